"""A demand and what belongs to it."""

import datetime
import uuid

from sqlalchemy import CheckConstraint, Column, Computed, ForeignKeyConstraint, Index, Integer, String, UniqueConstraint
from sqlmodel import Field, text

from app import clock
from app.accounts.actor import Actor
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
    Verification,
)
from app.fields import Audience, coded, partial_date
from app.tables import Table, Versioned, new_id

VISIBLE_TO = "CASE WHEN publication = 'published' AND embargoed_until IS NULL THEN audience ELSE 'staff' END"

OWNERS = ("status_change_id", "response_id", "reading_id", "update_id")


class Demand(Versioned, table=True):
    """One thing asked of one or more bodies. Its status columns repeat its latest status change."""

    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        CheckConstraint("length(first_made_on) IN (4, 7, 10)", name="first_made_on"),
        CheckConstraint("length(deadline) IN (4, 7, 10)", name="deadline"),
        CheckConstraint("(verification IS NOT NULL) = (status IN ('met', 'reversed'))", name="verification_of_status"),
        Index("ix_demand_visible_updated", "visible_to", "updated_at", "id"),
        Index("ix_demand_updated", "updated_at", "id"),
        Index("ix_demand_campaign_updated", "campaign_id", "updated_at", "id"),
        Index("ix_demand_kind_updated", "kind_id", "updated_at", "id"),
        Index("ix_demand_status_updated", "status", "updated_at", "id"),
        Index("ix_demand_disputed_updated", "disputed", "updated_at", "id"),
        Index("ix_demand_answered_updated", "answered", "updated_at", "id"),
        Index("ix_demand_publication_updated", "publication", "updated_at", "id"),
        Index("ix_demand_first_made_on", "first_made_on", "id"),
        Index("ix_demand_deadline_order", "deadline_order", "id"),
        Index("ix_demand_deadline_downward", text("coalesce(deadline, '')"), "id"),
        Index("ix_demand_deadline", "deadline"),
        Index("ix_demand_status_since", "status_since", "id"),
        Index("ix_demand_campaign_checked", "campaign_id", "last_checked_on"),
        Index("ix_demand_embargoed_until", "embargoed_until"),
    )

    id: int | None = Field(default=None, primary_key=True)  # an integer, because the full-text index needs one
    ref: str = Field(max_length=24, unique=True)
    ref_order: str = Field(max_length=24, unique=True)  # the ref with its number padded
    campaign_id: uuid.UUID = Field(foreign_key="campaign.id")
    number: int
    kind_id: uuid.UUID = Field(foreign_key="kind.id")
    title: str = Field(max_length=300)
    asks: str
    counts_as_met: str | None = None
    first_made_on: PartialDate = partial_date()
    deadline: PartialDate | None = partial_date(default=None)
    deadline_order: str | None = Field(
        default=None, sa_column=Column(String(10), Computed("coalesce(deadline, '9999')", persisted=True))
    )
    sensitivity: Sensitivity = Field(default=Sensitivity.NORMAL, sa_type=coded(Sensitivity))
    last_checked_on: datetime.date | None = None
    answered: bool = False  # whether the latest response of some target says something

    audience: Audience = Field(default=Audience.PUBLIC, sa_type=coded(Audience))
    publication: Publication = Field(default=Publication.DRAFT, sa_type=coded(Publication))
    publication_reason: str | None = None
    embargoed_until: datetime.datetime | None = None
    visible_to: Audience | None = Field(
        default=None, sa_column=Column(String(40), Computed(VISIBLE_TO, persisted=True))
    )

    status: Status = Field(default=Status.OPEN, sa_type=coded(Status))
    status_since: PartialDate = partial_date()
    verification: Verification | None = Field(default=None, sa_type=coded(Verification))
    disputed: bool = False
    confidence: Confidence | None = Field(default=None, sa_type=coded(Confidence))

    @property
    def key(self) -> int:
        """The primary key of a row that has been flushed."""
        assert self.id is not None
        return self.id

    def note_checked(self, on: PartialDate, actor: Actor) -> None:
        """Whoever records something has looked today; what the tracker itself loads was looked at when it was true."""
        day = min(on.last_day, clock.today()) if actor.is_the_tracker else clock.today()
        self.last_checked_on = max(self.last_checked_on or day, day)

    @property
    def circle(self) -> Audience:
        """Who may see the demand now: the rule that `visible_to` computes in the database."""
        shown = self.publication is Publication.PUBLISHED and self.embargoed_until is None
        return self.audience if shown else Audience.STAFF


class Target(Table, table=True):
    """A body's part in a demand, with its latest response."""

    __table_args__ = (Index("ix_target_body_demand", "body_id", "demand_id"),)

    demand_id: int = Field(foreign_key="demand.id", primary_key=True)
    body_id: uuid.UUID = Field(foreign_key="body.id", primary_key=True)
    position: int = 0
    role: TargetRole = Field(sa_type=coded(TargetRole))
    response: Answer = Field(default=Answer.NONE, sa_type=coded(Answer))
    response_on: PartialDate | None = partial_date(default=None)


class Issuer(Table, table=True):
    """An organisation that makes the demand."""

    __tablename__ = "demand_issuer"
    __table_args__ = (Index("ix_demand_issuer_organization", "organization_id", "demand_id"),)

    demand_id: int = Field(foreign_key="demand.id", primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organization.id", primary_key=True)
    position: int = 0


class Tag(Table, table=True):
    __tablename__ = "demand_tag"
    __table_args__ = (Index("ix_demand_tag_tag", "tag", "demand_id"),)

    demand_id: int = Field(foreign_key="demand.id", primary_key=True)
    tag: str = Field(max_length=80, primary_key=True)


class StatusChange(Table, table=True):
    """What happened in the world, when, and who says so. Never edited, only followed by another or verified."""

    __tablename__ = "status_change"
    __table_args__ = (
        UniqueConstraint("demand_id", "number"),
        CheckConstraint("length(effective_on) IN (4, 7, 10)", name="effective_on"),
        CheckConstraint("length(counts_from) = 10 AND counts_from >= effective_on", name="counts_from"),
        CheckConstraint("(to_status = 'superseded') = (successor_id IS NOT NULL)", name="successor"),
        CheckConstraint(
            "(verification IS NOT NULL) = (to_status IN ('met', 'reversed'))", name="verification_of_status"
        ),
        CheckConstraint(
            "(verification IS NOT NULL AND verification = 'verified') = (verified_at IS NOT NULL)", name="verified_at"
        ),
        CheckConstraint("verified_by <> author", name="second_person"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    demand_id: int = Field(foreign_key="demand.id")
    number: int  # 1, 2, 3 … within the demand
    kind: ChangeKind = Field(sa_type=coded(ChangeKind))
    from_status: Status | None = Field(default=None, sa_type=coded(Status, "from_status"))
    to_status: Status = Field(sa_type=coded(Status, "to_status"))
    effective_on: PartialDate = partial_date()
    counts_from: PartialDate = partial_date()  # the day within it, which `standing.counts_from` tells
    recorded_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    reason: str
    internal_note: str | None = None
    confidence: Confidence | None = Field(default=None, sa_type=coded(Confidence))
    disputed: bool = False
    successor_id: int | None = Field(default=None, foreign_key="demand.id", index=True)
    author: str = Field(max_length=64)  # the identity of who recorded it
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organization.id")
    verification: Verification | None = Field(default=None, sa_type=coded(Verification))
    verified_at: datetime.datetime | None = None
    verified_by: str | None = Field(default=None, max_length=64)
    verifier_organization_id: uuid.UUID | None = Field(default=None, foreign_key="organization.id")


class Response(Table, table=True):
    """What a target said, as against what was done."""

    __table_args__ = (
        ForeignKeyConstraint(["demand_id", "body_id"], ["target.demand_id", "target.body_id"]),
        Index("ix_response_demand_dated", "demand_id", "body_id", "dated"),
        CheckConstraint("length(dated) IN (4, 7, 10)", name="dated"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    demand_id: int
    body_id: uuid.UUID
    response: Answer = Field(sa_type=coded(Answer))
    dated: PartialDate = partial_date()
    says: str | None = None
    recorded_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organization.id")


class Update(Table, table=True):
    """A dated note of progress that changes no status."""

    __tablename__ = "demand_update"
    __table_args__ = (
        Index("ix_demand_update_demand", "demand_id", "dated"),
        CheckConstraint("length(dated) IN (4, 7, 10)", name="dated"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    demand_id: int = Field(foreign_key="demand.id")
    dated: PartialDate = partial_date()
    text: str
    recorded_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organization.id")


class Indicator(Table, table=True):
    """What is counted for a demand; the latest reading stands beside it."""

    demand_id: int = Field(foreign_key="demand.id", primary_key=True)
    name: str = Field(max_length=300)
    unit: str = Field(max_length=80)
    target: float | None = None
    latest: float | None = None
    latest_on: PartialDate | None = partial_date(default=None)


class Reading(Table, table=True):
    """A dated value of a demand's indicator."""

    __table_args__ = (
        Index("ix_reading_demand_dated", "demand_id", "dated"),
        CheckConstraint("length(dated) IN (4, 7, 10)", name="dated"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    demand_id: int = Field(foreign_key="indicator.demand_id")
    dated: PartialDate = partial_date()
    value: float
    recorded_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organization.id")


class Milestone(Table, table=True):
    """A planned step."""

    __table_args__ = (UniqueConstraint("demand_id", "position"),)

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    demand_id: int = Field(foreign_key="demand.id")
    position: int
    title: str = Field(max_length=300)
    planned_on: PartialDate | None = partial_date(default=None)
    done_on: PartialDate | None = partial_date(default=None)


class Notice(Table, table=True):
    """What time changed about a demand and was recorded, so that it is recorded once."""

    __tablename__ = "demand_notice"

    demand_id: int = Field(foreign_key="demand.id", primary_key=True)
    type: str = Field(max_length=60, primary_key=True)
    occasion: str = Field(max_length=10)  # the deadline's last day, or the day of the last check


class Citation(Table, table=True):
    """A place in a source, attached to the demand or to one thing recorded about it."""

    __table_args__ = (
        CheckConstraint(
            " + ".join(f"CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END" for owner in OWNERS) + " <= 1", name="one_owner"
        ),
        Index("ix_citation_source_demand", "source_id", "demand_id"),
        Index("ix_citation_demand", "demand_id", "id"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    demand_id: int = Field(foreign_key="demand.id")
    source_id: uuid.UUID = Field(foreign_key="source.id")
    stance: Stance = Field(sa_type=coded(Stance))
    locator: str | None = Field(default=None, max_length=500)
    quote: str | None = None
    translation: str | None = None
    note: str | None = None  # what the source says, in our words
    claimed_on: PartialDate | None = partial_date(default=None)  # the date that the source itself gives
    status_change_id: uuid.UUID | None = Field(default=None, foreign_key="status_change.id", index=True)
    response_id: uuid.UUID | None = Field(default=None, foreign_key="response.id", index=True)
    reading_id: uuid.UUID | None = Field(default=None, foreign_key="reading.id", index=True)
    update_id: uuid.UUID | None = Field(default=None, foreign_key="demand_update.id", index=True)
    recorded_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    organization_id: uuid.UUID | None = Field(default=None, foreign_key="organization.id")


class Relation(Table, table=True):
    """One demand's tie to another. The pair is unique whichever end it is told from."""

    __tablename__ = "demand_relation"
    __table_args__ = (
        UniqueConstraint("type", "lower_id", "higher_id"),
        CheckConstraint("from_id <> to_id", name="two_ends"),
        Index("ix_demand_relation_from", "from_id"),
        Index("ix_demand_relation_to", "to_id"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    type: RelationType = Field(sa_type=coded(RelationType))
    from_id: int = Field(foreign_key="demand.id")
    to_id: int = Field(foreign_key="demand.id")
    lower_id: int | None = Field(
        default=None,
        sa_column=Column(Integer, Computed("CASE WHEN from_id < to_id THEN from_id ELSE to_id END", persisted=True)),
    )
    higher_id: int | None = Field(
        default=None,
        sa_column=Column(Integer, Computed("CASE WHEN from_id < to_id THEN to_id ELSE from_id END", persisted=True)),
    )
