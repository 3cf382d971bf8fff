"""Institutions and how they are known elsewhere."""

import uuid

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from app.tables import Table, Versioned, new_id


class Body(Versioned, table=True):
    """An institution that demands are addressed to. The parents form a tree; cycles are refused by the actions."""

    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        CheckConstraint("successor_id <> id", name="not_its_own_successor"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    name: str = Field(max_length=300)
    acronym: str | None = Field(default=None, max_length=40)
    classification: str | None = Field(default=None, max_length=80)
    parent_id: uuid.UUID | None = Field(default=None, foreign_key="body.id", index=True)
    successor_id: uuid.UUID | None = Field(default=None, foreign_key="body.id", index=True)
    holder: str | None = Field(default=None, max_length=500)  # who holds the office, and when
    url: str | None = Field(default=None, max_length=2000)


class BodyIdentifier(Table, table=True):
    """A body's name in another scheme, such as `wikidata` Q1065."""

    __tablename__ = "body_identifier"
    __table_args__ = (UniqueConstraint("scheme", "value"),)

    body_id: uuid.UUID = Field(foreign_key="body.id", primary_key=True)
    scheme: str = Field(max_length=80, primary_key=True)
    value: str = Field(max_length=500)
