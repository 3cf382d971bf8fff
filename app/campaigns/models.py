"""A campaign numbers its demands; a kind says what sort of demand one is."""

import uuid

from sqlalchemy import JSON, CheckConstraint
from sqlmodel import Field

from app.tables import Versioned, new_id


class Campaign(Versioned, table=True):
    """A set of demands with its own prefix, languages and review interval."""

    __table_args__ = (
        CheckConstraint("review_interval_days BETWEEN 1 AND 3650", name="review_interval"),
        CheckConstraint("last_number >= 0", name="last_number"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    prefix: str = Field(max_length=10, unique=True)
    name: str = Field(max_length=300)
    about: str | None = None
    languages: list[str] = Field(sa_type=JSON)
    review_interval_days: int = 90
    last_number: int = 0  # of the newest ref; never goes back, so that no ref is reused


class Kind(Versioned, table=True):
    """What sort of demand: a vocabulary that staff extend, labelled in any language."""

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    label: dict[str, str] = Field(sa_type=JSON)  # by language
    about: str | None = None
