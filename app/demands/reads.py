"""What readers get: a demand and what belongs to it, as the API, the feed and the webhooks show it."""

import datetime
import uuid
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from app.dates import PartialDate
from app.demands.lifecycle import (
    Answer,
    ChangeKind,
    Confidence,
    Group,
    Publication,
    Sensitivity,
    Stance,
    Status,
    TargetRole,
    Verification,
)
from app.fields import Audience
from app.paging import Page


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value


Number = Annotated[float, PlainSerializer(_whole, return_type=float | int)]


class Shared(BaseModel):
    """Stands under many demands at once, so nobody may change it."""

    model_config = ConfigDict(frozen=True)


class BodyName(Shared):
    slug: str
    name: str
    acronym: str | None


class TargetRead(Shared):
    body: BodyName
    role: TargetRole
    response: Answer
    response_on: PartialDate | None


class IssuerName(Shared):
    slug: str
    name: str


class IndicatorRead(BaseModel):
    name: str
    unit: str
    target: Number | None
    latest: Number | None
    latest_on: PartialDate | None


class Related(BaseModel):
    """Another demand and how this one relates to it: `supersedes`, `superseded_by`, `part_of`, `has_part`, …"""

    ref: str
    type: str


class SourceName(BaseModel):
    slug: str
    title: str
    publisher: str | None
    published_on: PartialDate | None
    url: str | None


class CitationRead(BaseModel):
    id: uuid.UUID
    source: SourceName
    stance: Stance
    locator: str | None
    quote: str | None
    translation: str | None
    note: str | None
    claimed_on: PartialDate | None
    cited_for: str  # `demand`, `status_change`, `response`, `reading` or `update`
    cited_for_id: uuid.UUID | None
    recorded_at: AwareDatetime
    organization: str | None


class StatusChangeRead(BaseModel):
    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    id: uuid.UUID
    number: int
    kind: ChangeKind
    from_: Annotated[Status | None, Field(alias="from")]
    to: Status
    effective_on: PartialDate
    recorded_at: AwareDatetime
    reason: str
    internal_note: Annotated[str | None, Field(description="For staff only.")]
    confidence: Confidence | None
    verification: Verification | None
    verified_at: AwareDatetime | None
    verified_by: Annotated[str | None, Field(description="The second person's organization.")]
    disputed: bool
    successor: str | None
    organization: str | None
    citations: list[CitationRead]


class UpdateRead(BaseModel):
    id: uuid.UUID
    text: str
    on: PartialDate
    recorded_at: AwareDatetime
    organization: str | None
    citations: list[CitationRead]


class ResponseRead(BaseModel):
    id: uuid.UUID
    body: str
    response: Answer
    on: PartialDate
    says: str | None
    recorded_at: AwareDatetime
    organization: str | None
    citations: list[CitationRead]


class ReadingRead(BaseModel):
    id: uuid.UUID
    value: Number
    on: PartialDate
    recorded_at: AwareDatetime
    organization: str | None
    citations: list[CitationRead]


class MilestoneRead(BaseModel):
    id: uuid.UUID
    title: str
    planned_on: PartialDate | None
    done_on: PartialDate | None


class RelationRead(BaseModel):
    id: uuid.UUID
    ref: str
    type: str


class RedactionRead(BaseModel):
    """What was changed: the demands, how many texts, how many entries of the ledger."""

    demands: list[str]
    fields: int
    entries: int


class HistoryEntry(BaseModel):
    """One event, told in a sentence."""

    seq: int
    id: uuid.UUID
    type: str
    recorded_at: AwareDatetime
    organization: str | None
    summary: str
    data: dict[str, Any] | None


class DemandRead(BaseModel):
    ref: str
    title: str
    asks: str
    counts_as_met: str | None
    kind: str
    campaign: str
    status: Status
    status_group: Group
    status_since: PartialDate
    verification: Annotated[
        Verification | None, Field(description="Of `met` and `reversed`: claimed until a second person confirms it.")
    ]
    disputed: bool
    confidence: Confidence | None
    publication: Publication
    embargoed_until: AwareDatetime | None
    audience: Audience
    sensitivity: Sensitivity
    first_made_on: PartialDate
    deadline: PartialDate | None
    overdue: bool
    due_soon: bool
    no_response: bool
    stale: Annotated[
        bool, Field(description="Nobody has checked for longer than the campaign's review interval, or ever.")
    ]
    last_checked_on: datetime.date | None
    next_review_on: datetime.date | None
    targets: list[TargetRead]
    issuers: list[IssuerName]
    tags: list[str]
    indicator: IndicatorRead | None
    related: list[Related]
    allowed_moves: Annotated[list[Status] | None, Field(description="For staff only.")]
    url: str
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    citations: Annotated[list[CitationRead] | None, Field(description="With `include=citations`.")] = None
    history: Annotated[list[HistoryEntry] | None, Field(description="With `include=history`, newest first.")] = None


class DemandPage(Page[DemandRead]):
    total: Annotated[int | None, Field(description="With `include=total`.")] = None
