"""What every table shares: names of constraints, made before the first table is, and UUIDs that sort by time."""

import datetime
import uuid
from typing import ClassVar

import uuid_utils.compat
from sqlmodel import Field, SQLModel

from app import clock

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


class Table(SQLModel):
    """A table of the tracker. `ledgered` ones change only in a transaction that records an event."""

    ledgered: ClassVar[bool] = True


class Versioned(Table):
    """A table whose rows people edit: the version is what `If-Match` names."""

    version: int = 1
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    updated_at: datetime.datetime = Field(default_factory=lambda: clock.now())

    def touch(self) -> None:
        """Note that the row, or what belongs to it, was changed."""
        self.version += 1
        self.updated_at = clock.now()


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562)."""
    return uuid_utils.compat.uuid7()


def first_id(moment: datetime.datetime) -> uuid.UUID:
    """Lower than every UUIDv7 of that moment and after: they begin with the milliseconds since 1970."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
