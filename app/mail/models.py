"""What is to be mailed. A row names neither address nor words: both are looked up at the moment of sending."""

import datetime
import enum
import uuid
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Index, text
from sqlmodel import Field

from app import clock
from app.fields import coded
from app.tables import Table, new_id


class MailState(enum.StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"  # refused for good, or not taken for days


class Mail(Table, table=True):
    """One mail in the outbox; `outbox` tells its life."""

    ledgered: ClassVar[bool] = False
    __table_args__ = (
        Index(
            "ix_mail_ready_at",
            "ready_at",
            postgresql_where=text("ready_at IS NOT NULL"),
            sqlite_where=text("ready_at IS NOT NULL"),
        ),
        CheckConstraint("(state = 'waiting') = (ready_at IS NOT NULL)", name="ready_while_waiting"),
        CheckConstraint("(state = 'waiting') = (finished_at IS NULL)", name="finished_or_waiting"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)  # the Message-ID of every attempt is made of it
    kind: str = Field(max_length=40)  # says who writes it
    about: str = Field(max_length=80, index=True)  # `follow:…` or `webhook:…`, so that it goes when that goes
    data: dict[str, Any] = Field(default={}, sa_type=JSON)  # nothing personal but the stamp of an address
    state: MailState = Field(default=MailState.WAITING, sa_type=coded(MailState))
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    ready_at: datetime.datetime | None = Field(default_factory=lambda: clock.now())  # or when a lease on it ends
    attempts: int = 0  # of the latest lease: whoever has an older number is late
    error: str | None = Field(default=None, max_length=200)  # of the last attempt, without what the server said
    finished_at: datetime.datetime | None = Field(default=None, index=True)
