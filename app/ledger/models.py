"""The ledger's tables: what happened, in the order in which it was committed."""

import datetime
import json
import uuid
from typing import Any, ClassVar

import rfc8785
from sqlalchemy import BigInteger, CheckConstraint, Column, Dialect, Index, Integer, Text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field

from app.fields import Audience, coded
from app.tables import Table

Image = dict[str, Any]


class Canonical(str):
    """Canonical JSON (RFC 8785) that is text already."""

    __slots__ = ()

    @classmethod
    def of(cls, value: Any) -> "Canonical":
        return cls(rfc8785.dumps(value).decode())


class CanonicalJSON(TypeDecorator[Any]):
    """JSON stored as its canonical text, so that the stored bytes are the hashed bytes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return value if value is None or isinstance(value, Canonical) else Canonical.of(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Event(Table, table=True):
    """One entry of the ledger. Never changed, except that erasing personal data empties data, images and salt."""

    ledgered: ClassVar[bool] = False
    __table_args__ = (
        Index("ix_event_demand_seq", "demand", "seq"),
        Index("ix_event_subject_seq", "subject", "seq"),
        Index("ix_event_campaign_seq", "campaign", "seq"),
        Index("ix_event_type_seq", "type", "seq"),
    )

    seq: int = Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True))
    id: uuid.UUID = Field(unique=True)
    type: str = Field(max_length=60)
    recorded_at: datetime.datetime
    actor: dict[str, Any] = Field(sa_type=CanonicalJSON)
    campaign: str | None = Field(default=None, max_length=80)
    demand: str | None = Field(default=None, max_length=24)
    subject: str | None = Field(default=None, max_length=100)  # the key of what it is about, if that may be hidden
    audience: Audience = Field(sa_type=coded(Audience))  # who may see this entry, as far as they may see its subject
    # who may see the subject, from here on
    visible_to: Audience | None = Field(default=None, sa_type=coded(Audience, "visible_to"))
    notice: bool = False  # tells that the subject was taken from view, so it outlives that
    keys: list[str] = Field(sa_type=CanonicalJSON)
    data: dict[str, Any] | None = Field(default=None, sa_type=CanonicalJSON)
    images: list[Image] | None = Field(default=None, sa_type=CanonicalJSON)  # the rows after the change, for the replay
    salt: str | None = Field(default=None, max_length=32)
    data_digest: str = Field(max_length=64)
    hash: str = Field(max_length=64)
    erased_at: datetime.datetime | None = None  # which no hash covers


class Subject(Table, table=True):
    """Who may see a thing now, as its last event left it: lets the ledger ask without knowing demands or sources."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "ledger_subject"

    key: str = Field(primary_key=True, max_length=100)  # `demand:NK-4`, `source:ocha-2023-report`
    visible_to: Audience = Field(sa_type=coded(Audience))


class Head(Table, table=True):
    """Where the ledger ends: one row, whose lock orders the commits."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "ledger_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    epoch: str = Field(max_length=32)  # a restored backup gets a new one
    seq: int = Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), nullable=False))
    hash: str = Field(max_length=64)
