"""Values as the database holds them, byte for byte, beside what the columns make of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Boolean, Dialect, Float, Integer, type_coerce
from sqlalchemy.types import NullType, TypeDecorator
from sqlmodel import Session


class Misstored(Exception):
    """What is stored is not what the column would have written"""


class StoredColumn:
    """One column of a table, to be read raw and then understood."""

    def __init__(self, column: Any, dialect: Dialect) -> None:
        self.name: str = column.name
        self.raw = type_coerce(column, NullType()).label(column.name)
        form = column.type.dialect_impl(dialect)
        kind = _kind(form)
        self._understand = form.result_processor(dialect, None) if kind is not float else None
        self._write = form.bind_processor(dialect)
        self._kind = kind if dialect.name == "sqlite" else None  # PostgreSQL minds its types itself

    def value(self, raw: Any) -> Any:
        """Raises Misstored where the stored form is not the one that the value has, such as an id in capitals."""
        try:
            if isinstance(raw, str):
                raw.encode()  # fails on what was no UTF-8
            value = self._understand(raw) if self._understand else raw
            written = self._write(value) if self._write else raw
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise Misstored from None
        if self._kind and raw is not None and not (isinstance(raw, self._kind) and written == raw):
            raise Misstored
        return value


def _kind(form: Any) -> type:
    """What SQLite's driver gives for a column of this form."""
    base = form.impl if isinstance(form, TypeDecorator) else form
    if isinstance(base, Boolean | Integer):
        return int
    return float if isinstance(base, Float) else str


@contextmanager
def any_bytes(session: Session) -> Iterator[None]:
    """Lets SQLite hand out text that is no UTF-8, as after damage, instead of failing on it."""
    driver: Any = session.connection().connection.driver_connection
    if session.get_bind().dialect.name != "sqlite":
        yield
        return
    driver.text_factory = lambda stored: stored.decode(errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str
