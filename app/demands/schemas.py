"""What clients send about a demand."""

import uuid
from typing import Annotated, Literal

from pydantic import MISSING, AfterValidator, Field

from app.dates import PartialDate
from app.demands.lifecycle import (
    Answer,
    ChangeKind,
    Confidence,
    Publication,
    RelationType,
    Sensitivity,
    Stance,
    Status,
    TargetRole,
)
from app.fields import Audience, Day, Line, Moment, PastDate, Ref, Schema, Slug, Text, Title


def _each_once(values: list[str]) -> list[str]:
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise ValueError(f"named twice: {', '.join(doubled)}")
    return values


class CitationNew(Schema):
    source: Slug
    stance: Stance
    locator: Line | None = None
    quote: Annotated[Text, Field(max_length=2_000)] | None = None
    translation: Annotated[Text, Field(max_length=2_000)] | None = None
    note: Text | None = None
    claimed_on: PartialDate | None = None


class DemandCitationNew(CitationNew):
    """Evidence that comes later: for the demand, or for one of its status changes."""

    status_change: uuid.UUID | None = None


Citations = Annotated[list[CitationNew], Field(max_length=50)]
Unit = Annotated[Line, Field(max_length=80)]
Number = Annotated[float, Field(strict=True, ge=-1e15, le=1e15, allow_inf_nan=False)]


class TargetNew(Schema):
    body: Slug
    role: TargetRole


def _bodies_once(targets: list[TargetNew]) -> list[TargetNew]:
    _each_once([target.body for target in targets])
    return targets


Targets = Annotated[list[TargetNew], Field(min_length=1, max_length=50), AfterValidator(_bodies_once)]
Slugs = Annotated[list[Slug], Field(max_length=50), AfterValidator(_each_once)]


class IndicatorNew(Schema):
    name: Title
    unit: Unit
    target: Number | None = None


class IndicatorRevision(Schema):
    """Merged into the indicator; where there is none yet, `name` and `unit` are needed."""

    name: Title | MISSING = MISSING
    unit: Unit | MISSING = MISSING
    target: Number | None | MISSING = MISSING


class Opening(Schema):
    """Where and since when the demand is known to stand open; by default since it was first made."""

    effective_on: PastDate
    reason: Text
    citations: Citations = []


class DemandNew(Schema):
    campaign: Slug
    kind: Slug
    title: Title
    asks: Text
    counts_as_met: Text | None = None
    targets: Targets
    issuers: Slugs = []
    first_made_on: PastDate
    deadline: PartialDate | None = None
    tags: Slugs = []
    indicator: IndicatorNew | None = None
    sensitivity: Sensitivity = Sensitivity.NORMAL
    audience: Audience = Audience.PUBLIC
    opening: Opening | None = None


class DemandRevision(Schema):
    """JSON Merge Patch (RFC 7396): lists are replaced as a whole."""

    kind: Slug | MISSING = MISSING
    title: Title | MISSING = MISSING
    asks: Text | MISSING = MISSING
    counts_as_met: Text | None | MISSING = MISSING
    targets: Targets | MISSING = MISSING
    issuers: Slugs | MISSING = MISSING
    first_made_on: PastDate | MISSING = MISSING
    deadline: PartialDate | None | MISSING = MISSING
    tags: Slugs | MISSING = MISSING
    indicator: IndicatorRevision | None | MISSING = MISSING
    sensitivity: Sensitivity | MISSING = MISSING
    audience: Audience | MISSING = MISSING
    last_checked_on: Day | MISSING = MISSING


class PublicationChange(Schema):
    state: Publication
    reason: Text | None = None
    embargoed_until: Moment | None = None


class StatusChangeNew(Schema):
    to: Status
    effective_on: PastDate
    reason: Text
    internal_note: Text | None = None
    confidence: Confidence | None = None
    kind: ChangeKind = ChangeKind.CHANGE
    successor: Ref | None = None
    citations: Citations = []


class VerificationNew(Schema):
    """A second person's word that the evidence holds."""

    verification: Literal["verified"] = "verified"


class UpdateNew(Schema):
    text: Text
    on: PastDate
    citations: Citations = []


class ResponseNew(Schema):
    body: Slug
    response: Answer
    on: PastDate
    says: Text | None = None
    citations: Citations


class ReadingNew(Schema):
    value: Number
    on: PastDate
    citations: Citations = []


class MilestoneNew(Schema):
    title: Title
    planned_on: PartialDate | None = None
    done_on: PastDate | None = None


class MilestoneRevision(Schema):
    title: Title | MISSING = MISSING
    planned_on: PartialDate | None | MISSING = MISSING
    done_on: PastDate | None | MISSING = MISSING


class RedactionNew(Schema):
    """Exactly the words that are to go, and why; the reason is for staff, and should not repeat them."""

    text: Annotated[Line, Field(min_length=3)]
    reason: Text
    at_most: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            description=(
                "How many demands the redaction may touch, so that a word commoner than thought wipes nothing: "
                "where it would touch more, nothing changes and a 409 says how many. With 0 that is all it does."
            ),
        ),
    ] = 10


class RelationNew(Schema):
    to: Ref
    type: RelationType
