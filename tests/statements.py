"""What databases are asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def asked(by_this_thread: bool = False) -> Iterator[list[tuple[str, Any]]]:
    """The statements, with their parameters, while the block lasts; not where transactions begin and end.

    Clients are answered in other threads; so is who came before a test and is not quite done.
    """
    statements: list[tuple[str, Any]] = []
    here = threading.get_ident()

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if not statement.startswith("BEGIN") and (not by_this_thread or threading.get_ident() == here):
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)
