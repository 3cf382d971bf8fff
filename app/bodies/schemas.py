"""Bodies as the API has them."""

from typing import Annotated

from pydantic import MISSING, AwareDatetime, BaseModel, Field, StringConstraints

from app.fields import Identifiers, Line, Schema, Search, Slug, Title, Url, formed
from app.paging import PageQuery

Acronym = Annotated[Line, StringConstraints(max_length=40)]
Classification = Annotated[Line, StringConstraints(max_length=80)]
IdentifierChanges = Annotated[dict[Slug, Line | None], Field(max_length=20)]
Identifier = Annotated[
    str,
    formed(
        r"^[a-z0-9]+(?:[-_][a-z0-9]+)*:[^\x00]+$",
        "an identifier is a scheme and a value, such as `wikidata:Q1065`",
        min_length=3,
        max_length=581,
    ),
]


class BodyNew(Schema):
    slug: Slug
    name: Title
    acronym: Acronym | None = None
    classification: Classification | None = None
    parent: Slug | None = None
    successor: Slug | None = None
    identifiers: Identifiers = {}
    holder: Line | None = None
    url: Url | None = None


class BodyRevision(Schema):
    name: Title | MISSING = MISSING
    acronym: Acronym | None | MISSING = MISSING
    classification: Classification | None | MISSING = MISSING
    parent: Slug | None | MISSING = MISSING
    successor: Slug | None | MISSING = MISSING
    identifiers: IdentifierChanges | None | MISSING = MISSING
    holder: Line | None | MISSING = MISSING
    url: Url | None | MISSING = MISSING


class DemandCounts(BaseModel):
    """How many demands of the body and of those below it stand in each group of statuses."""

    open: int = 0
    moving: int = 0
    blocked: int = 0
    met: int = 0
    closed: int = 0


class BodyName(BaseModel):
    slug: str
    name: str
    acronym: str | None


class BodyFacts(BodyName):
    """What is recorded of a body itself."""

    classification: str | None
    parent: str | None
    successor: str | None
    identifiers: dict[str, str]
    holder: str | None
    url: str | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class BodyRead(BodyFacts):
    demands: DemandCounts


class BodyInFull(BodyRead):
    """A body with its place in the tree; `ancestors` begins with the nearest."""

    children: list[BodyName]
    ancestors: list[str]


class BodyQuery(PageQuery):
    """Repeat a word to mean either; different words narrow together."""

    q: Annotated[Search | None, Field(description="A part of the name, the acronym or the slug.")] = None
    parent: Annotated[list[Slug], Field(max_length=50, description="The bodies directly above.")] = []
    classification: Annotated[list[Classification], Field(max_length=50, description="What sort of body.")] = []
    identifier: Annotated[
        list[Identifier], Field(max_length=50, description="A scheme and a value, such as `wikidata:Q1065`.")
    ] = []
