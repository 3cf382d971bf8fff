"""Sources as the API has them."""

import datetime
from typing import Annotated

from pydantic import MISSING, AfterValidator, AwareDatetime, BaseModel, Field, HttpUrl

from app import clock
from app.dates import PartialDate
from app.fields import Audience, Day, Language, Line, Schema, Search, Sha256, Slug, Text, Title, Url
from app.paging import PageQuery

LONGEST_URL = 2_000


def _canonical(url: str) -> str:
    """Two spellings of an address are one (WHATWG URL, section 4.5); nothing that it says is left out."""
    written = str(HttpUrl(url))
    if len(written) > LONGEST_URL:
        raise ValueError(f"a URL has at most {LONGEST_URL} characters")
    return written


def _not_ahead(day: datetime.date) -> datetime.date:
    if day > clock.today():
        raise ValueError("nobody has been there yet: the day lies in the future")
    return day


def _distinct(slugs: list[str]) -> list[str]:
    if len(set(slugs)) < len(slugs):
        raise ValueError("name each body once")
    return slugs


Address = Annotated[Url, AfterValidator(_canonical)]
PastDay = Annotated[Day, AfterValidator(_not_ahead)]
IssuedBy = Annotated[list[Slug], Field(max_length=50), AfterValidator(_distinct)]


class SourceNew(Schema):
    slug: Slug | None = None
    title: Title
    publisher: Title | None = None
    kind: Slug
    language: Language | None = None
    published_on: PartialDate | None = None
    date_note: Line | None = None
    accessed_on: PastDay | None = None
    url: Address | None = None
    archive_url: Url | None = None
    sha256: Sha256 | None = None
    issued_by: IssuedBy = []
    note: Text | None = None
    audience: Audience = Audience.PUBLIC


class SourceRevision(Schema):
    title: Title | MISSING = MISSING
    publisher: Title | None | MISSING = MISSING
    kind: Slug | MISSING = MISSING
    language: Language | None | MISSING = MISSING
    published_on: PartialDate | None | MISSING = MISSING
    date_note: Line | None | MISSING = MISSING
    accessed_on: PastDay | None | MISSING = MISSING
    url: Address | None | MISSING = MISSING
    archive_url: Url | None | MISSING = MISSING
    sha256: Sha256 | None | MISSING = MISSING
    issued_by: IssuedBy | None | MISSING = MISSING
    note: Text | None | MISSING = MISSING
    audience: Audience | MISSING = MISSING


class SourceRead(BaseModel):
    slug: str
    title: str
    publisher: str | None
    kind: str
    language: str | None
    published_on: PartialDate | None
    date_note: str | None
    accessed_on: datetime.date | None
    url: str | None
    archive_url: str | None
    sha256: str | None
    issued_by: list[str]
    note: str | None
    audience: Audience
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class SourceFound(SourceRead):
    """A source that was there already."""


class SourceQuery(PageQuery):
    """Repeat a word to mean either; different words narrow together."""

    q: Annotated[Search | None, Field(description="A part of the title or of the publisher's name.")] = None
    kind: Annotated[list[Slug], Field(max_length=50, description="What sort of source, such as `letter`.")] = []
    language: Annotated[list[Language], Field(max_length=50, description="As the source has it, such as `hy`.")] = []
    publisher: Annotated[list[Title], Field(max_length=50, description="The whole name.")] = []
    issued_by: Annotated[list[Slug], Field(max_length=50, description="Bodies that issued the source.")] = []
    published_from: Annotated[
        PartialDate | None, Field(description="Sources that may have been published then or later.")
    ] = None
    published_to: Annotated[
        PartialDate | None, Field(description="Sources that may have been published then or earlier.")
    ] = None
