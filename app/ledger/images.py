"""Rows as JSON: what an event keeps of the rows it changed, so that replaying the events gives today's tables."""

import datetime
import decimal
import enum
import uuid
from typing import Any, cast

from sqlalchemy import Table as SqlTable
from sqlalchemy import Uuid, inspect
from sqlalchemy.orm import InstanceState
from sqlmodel import Session

from app.ledger.models import Image
from app.tables import Table


def image_of(row: Table) -> Image:
    """`{"table", "row"}` of a row as it is now, without columns that the database computes."""
    state: InstanceState[Any] = inspect(row)
    table = _table(state)
    return {"table": table.name, "row": {c.name: plain(getattr(row, c.key)) for c in stored_columns(table)}}


def absence_of(row: Table) -> Image:
    """`{"table", "gone"}`: the key of a row that was deleted."""
    state: InstanceState[Any] = inspect(row)
    table = _table(state)
    return {"table": table.name, "gone": {c.name: plain(getattr(row, c.key)) for c in table.primary_key}}


def absence_in(image: Image) -> Image:
    """The same for a row that is known only by its image."""
    if "gone" in image:
        return image
    keys = _model(image["table"]).__table__.primary_key  # type: ignore[attr-defined]  # set by SQLModel
    return {"table": image["table"], "gone": {column.name: image["row"][column.name] for column in keys}}


def row_of(session: Session, image: Image) -> Table | None:
    """The row that an image is of, as it is today."""
    model = _model(image["table"])
    key = absence_in(image)["gone"]
    columns = model.__table__.primary_key  # type: ignore[attr-defined]
    typed = [uuid.UUID(key[c.name]) if isinstance(c.type, Uuid) else key[c.name] for c in columns]
    return session.get(model, tuple(typed))


def stored_columns(table: SqlTable) -> list[Any]:
    return [column for column in table.columns if column.computed is None]


def _model(table: str) -> type[Table]:
    waiting = list(Table.__subclasses__())
    while waiting:
        model = waiting.pop()
        waiting.extend(model.__subclasses__())
        if getattr(model, "__tablename__", None) == table and hasattr(model, "__table__"):
            return model
    raise LookupError(table)


def _table(state: InstanceState[Any]) -> SqlTable:
    return cast(SqlTable, state.mapper.local_table)


def plain(value: Any) -> Any:
    """A column's value as JSON has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, uuid.UUID | decimal.Decimal):
        return str(value)
    return value
