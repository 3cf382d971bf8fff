"""What each event about a demand tells, made of what readers get anyway."""

from typing import Any

from pydantic import MISSING, BaseModel, Field, create_model

from app.demands.facts import LASTING, PRIVATE
from app.demands.reads import (
    CitationRead,
    DemandRead,
    MilestoneRead,
    ReadingRead,
    Related,
    ResponseRead,
    StatusChangeRead,
    UpdateRead,
)


def _told() -> dict[str, Any]:
    """What changed while nobody was shown the demand tells later only what lasts."""
    fields = {name: field for name, field in DemandRead.model_fields.items() if name not in PRIVATE}
    return {
        name: (field.annotation, Field(description=field.description))
        if name in LASTING
        else (field.annotation | MISSING, Field(default=MISSING, description=field.description))
        for name, field in fields.items()
    }


DemandTold: Any = create_model("DemandTold", __doc__="A demand as it stood then.", **_told())


class AboutDemand(BaseModel):
    demand: DemandTold


class StatusChanged(AboutDemand):
    change: StatusChangeRead


class UpdateAdded(AboutDemand):
    update: UpdateRead


class ResponseRecorded(AboutDemand):
    response: ResponseRead


class ReadingTaken(AboutDemand):
    reading: ReadingRead


class MilestoneChanged(AboutDemand):
    milestone: MilestoneRead


class Cited(AboutDemand):
    """The citation is null where its source was taken from view since."""

    citation: CitationRead | None


class Tied(AboutDemand):
    """The relation is null where the other demand is not for the reader to see."""

    relation: Related | None


class PublicationChanged(AboutDemand):
    reason: str | None


class DemandRef(BaseModel):
    ref: str


class DemandWithdrawn(BaseModel):
    """Says no more of the demand than which it is."""

    demand: DemandRef


class ContentRedacted(BaseModel):
    """How many texts, and which entries of the ledger."""

    reason: str
    fields: int
    entries: list[int]


EVENTS: dict[str, type[BaseModel]] = {
    "content.redacted": ContentRedacted,
    "demand.cited": Cited,
    "demand.created": AboutDemand,
    "demand.due_soon": AboutDemand,
    "demand.embargoed": PublicationChanged,
    "demand.milestone_planned": MilestoneChanged,
    "demand.milestone_reached": MilestoneChanged,
    "demand.milestone_revised": MilestoneChanged,
    "demand.overdue": AboutDemand,
    "demand.published": AboutDemand,
    "demand.reading_taken": ReadingTaken,
    "demand.redacted": AboutDemand,
    "demand.related": Tied,
    "demand.response_recorded": ResponseRecorded,
    "demand.returned_to_draft": PublicationChanged,
    "demand.review_due": AboutDemand,
    "demand.revised": AboutDemand,
    "demand.sent_to_review": PublicationChanged,
    "demand.status_changed": StatusChanged,
    "demand.status_verified": StatusChanged,
    "demand.taken_down": PublicationChanged,
    "demand.unpublished": DemandWithdrawn,
    "demand.unrelated": Tied,
    "demand.update_added": UpdateAdded,
}
