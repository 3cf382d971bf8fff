"""Who follows what by e-mail, and how far they were told.

Addresses are personal: they stand here encrypted, and go with the row when somebody follows no longer.
"""

import datetime
import enum
import uuid
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Uuid, text
from sqlmodel import Field

from app import clock
from app.fields import coded
from app.tables import Table, new_id


class Pace(enum.StrEnum):
    AT_ONCE = "at_once"
    DAILY = "daily"
    WEEKLY = "weekly"


def _seq() -> Any:
    """A column with a place in the ledger."""
    return Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), nullable=False))


class Follow(Table, table=True):
    """One address, one filter. Nothing is sent until it was confirmed by mail, except the mail that asks for that."""

    ledgered: ClassVar[bool] = False
    __table_args__ = (
        Index("ix_follow_address_stamp_created_at", "address_stamp", "created_at"),
        Index("ix_follow_client_stamp_created_at", "client_stamp", "created_at"),
        Index(
            "ix_follow_ready_at",
            "ready_at",
            postgresql_where=text("ready_at IS NOT NULL"),
            sqlite_where=text("ready_at IS NOT NULL"),
        ),
        CheckConstraint("confirmed_at IS NOT NULL OR ready_at IS NULL", name="confirmed_before_ready"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    address_sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    address_stamp: str = Field(max_length=43)  # tells the same address again
    client_stamp: str | None = Field(default=None, max_length=43)  # of who asked, until it is confirmed
    types: list[str] = Field(sa_type=JSON)
    filters: dict[str, Any] = Field(sa_type=JSON)
    pace: Pace = Field(sa_type=coded(Pace))
    timezone: str = Field(max_length=64)
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    confirmed_at: datetime.datetime | None = None
    cursor_seq: int = _seq()  # everything up to here is in the outbox, or not for this follower
    ready_at: datetime.datetime | None = None  # when to look for what is new; none: not before something is
    burst_from: datetime.datetime | None = None  # an hour of changes that are mailed one by one begins here
    burst_changes: int = 0  # in that hour so far
    rest_until: datetime.datetime | None = None  # there were too many in that hour


class FollowKey(Table, table=True):
    """A key of events that wakes a follower who wants them at once; `ledger.selecting` says which keys those are."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "follow_key"

    match_key: str = Field(primary_key=True, max_length=120)
    follow_id: uuid.UUID = Field(
        sa_column=Column(
            Uuid, ForeignKey("follow.id", ondelete="CASCADE"), primary_key=True, nullable=False, index=True
        )
    )


class FollowPlan(Table, table=True):
    """How far the ledger was read for whom it wakes: one row, whose lock lets one worker at a time."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "follow_plan"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    seq: int = _seq()
