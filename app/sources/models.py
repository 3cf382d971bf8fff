"""Documents, and which bodies issued them."""

import datetime
import uuid

from sqlalchemy import Index
from sqlmodel import Field

from app.dates import PartialDate
from app.fields import Audience, coded, partial_date
from app.tables import Table, Versioned, new_id


class Source(Versioned, table=True):
    """A document. One URL is one source."""

    __table_args__ = (
        Index("ix_source_audience_slug", "audience", "slug"),
        Index("ix_source_kind_slug", "kind", "slug"),
        Index("ix_source_language_slug", "language", "slug"),
        Index("ix_source_publisher_slug", "publisher", "slug"),
        Index("ix_source_published_on", "published_on"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    title: str = Field(max_length=300)
    publisher: str | None = Field(default=None, max_length=300)
    kind: str = Field(max_length=80)
    language: str | None = Field(default=None, max_length=35)
    published_on: PartialDate | None = partial_date(default=None)
    date_note: str | None = Field(default=None, max_length=500)
    accessed_on: datetime.date | None = None
    url: str | None = Field(default=None, max_length=2000, unique=True)
    archive_url: str | None = Field(default=None, max_length=2000)
    sha256: str | None = Field(default=None, max_length=64)  # of the retrieved copy
    note: str | None = None
    audience: Audience = Field(default=Audience.PUBLIC, sa_type=coded(Audience))


class SourceIssuer(Table, table=True):
    """A body that issued the source: such a source alone cannot verify what that body is said to have done."""

    __tablename__ = "source_issuer"

    source_id: uuid.UUID = Field(foreign_key="source.id", primary_key=True)
    body_id: uuid.UUID = Field(foreign_key="body.id", primary_key=True, index=True)
