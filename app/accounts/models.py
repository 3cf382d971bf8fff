"""Organisations, the people in them, and the keys they use."""

import datetime
import uuid
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, LargeBinary
from sqlmodel import Field

from app import clock
from app.accounts.roles import Role
from app.fields import Audience, coded
from app.tables import Table, Versioned, new_id


class Organization(Versioned, table=True):
    """Makes demands, or works with the tracker, or both."""

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    name: str = Field(max_length=300)
    about: str | None = None
    url: str | None = Field(default=None, max_length=2000)
    audience: Audience = Field(default=Audience.PUBLIC, sa_type=coded(Audience))  # who may see that it is here
    # what its members and webhooks may see
    reads: Audience = Field(default=Audience.PARTNERS, sa_type=coded(Audience, "reads"))


class Person(Table, table=True):
    """Someone whom keys can belong to, so that all of theirs count as one person."""

    ledgered: ClassVar[bool] = False  # personal data stays out of the ledger

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(max_length=320, unique=True)  # lower case
    name: str = Field(max_length=300)
    password_hash: str | None = Field(default=None, max_length=200)  # Argon2id; nothing asks for it yet
    disabled_at: datetime.datetime | None = None
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now())


class Membership(Table, table=True):
    """A person's role in an organisation."""

    ledgered: ClassVar[bool] = False

    person_id: uuid.UUID = Field(foreign_key="person.id", primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organization.id", primary_key=True, index=True)
    role: Role = Field(sa_type=coded(Role))


class Key(Table, table=True):
    """An API key. Only the hash of its secret half is kept: 160 random bits need no slow hash."""

    ledgered: ClassVar[bool] = False

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    prefix: str = Field(max_length=12, unique=True)
    secret_sha256: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    label: str | None = Field(default=None, max_length=300)
    role: Role = Field(sa_type=coded(Role))
    organization_id: uuid.UUID = Field(foreign_key="organization.id", index=True)
    person_id: uuid.UUID | None = Field(default=None, foreign_key="person.id", index=True)
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    expires_at: datetime.datetime | None = None
    revoked_at: datetime.datetime | None = None
    last_used_at: datetime.datetime | None = None  # to ten minutes


class Answer(Table, table=True):
    """The first answer to an Idempotency-Key, kept encrypted because it may show a secret."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "idempotent_answer"
    __table_args__ = (CheckConstraint("status BETWEEN 200 AND 299", name="a_success"),)

    actor: str = Field(primary_key=True, max_length=64)
    key: str = Field(primary_key=True, max_length=200)
    request_sha256: str = Field(max_length=64)
    status: int = 200
    sealed: bytes = Field(
        default=b"", sa_column=Column(LargeBinary, nullable=False)
    )  # headers and body, once there are; empty once erased
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now(), index=True)
