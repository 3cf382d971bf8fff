"""Statistics as the API has them."""

import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.bodies.schemas import BodyName
from app.dates import PartialDate
from app.demands.filters import DemandCriteria
from app.demands.lifecycle import Group, Status
from app.demands.reads import Number
from app.fields import formed

Month = Annotated[str, formed(r"^[1-9]\d{3}-(0[1-9]|1[0-2])$", "a month is written as 2023-09")]
Share = Annotated[float, Field(ge=0, le=1)]


class TimelineQuery(DemandCriteria):
    """The criteria choose the demands by how they stand; the timeline tells how those stood before."""

    from_: Annotated[
        Month | None,
        Field(alias="from", description="The first month, such as 2023-09; by default that of the first change."),
    ] = None
    to: Annotated[Month | None, Field(description="The last month; months that have not begun have no figures.")] = None


class Tally(BaseModel):
    total: int
    by_group: dict[Group, int]


class KindTally(Tally):
    slug: str
    label: dict[str, str]


class CampaignTally(Tally):
    slug: str
    name: str


class BodyTally(Tally, BodyName):
    """Demands of the body and of those below it, each once."""


class Checked(BaseModel):
    """How many are only claimed, and how many a second person has confirmed."""

    claimed: int
    verified: int


class Verifications(BaseModel):
    met: Checked
    reversed: Checked


class Summary(Tally):
    """Counts of the demands that match; what has none of them is left out of the lists, the largest come first."""

    by_status: dict[Status, int]
    by_kind: list[KindTally]
    by_body: list[BodyTally]
    by_campaign: list[CampaignTally]
    verification: Verifications
    disputed: int
    overdue: int
    stale: int
    no_response: int


class TimelineMonth(Tally):
    """How the demands stood at the end of a month."""

    month: str
    on: Annotated[datetime.date, Field(description="The month's last day, or today: what `as_of` says of that day.")]
    moved: Annotated[
        dict[Group, int],
        Field(
            description="Changes of the month that led from one group to another, by where they led; the first of a "
            "demand leads to `open`. Corrections, and what they took back, are no movement."
        ),
    ]


class Timeline(BaseModel):
    items: list[TimelineMonth]


class OldestOpen(BaseModel):
    ref: str
    first_made_on: PartialDate


class Scorecard(BodyName):
    """What was asked of a body and of those below it, and what came of it."""

    asked: Annotated[int, Field(description="Demands addressed to it.")]
    answered: Annotated[int, Field(description="Those that it has responded to itself.")]
    answer_rate: Share
    median_days_to_first_response: Annotated[
        Number | None,
        Field(
            description="From the day it was asked. What it had said before counts as answered, but for no number of "
            "days. Null where nothing came afterwards."
        ),
    ]
    met: Annotated[int, Field(description="Met, as a second person has confirmed.")]
    met_claimed: Annotated[int, Field(description="Met, as is only claimed so far.")]
    share_met: Annotated[Share, Field(description="Of those asked; only what is confirmed counts.")]
    oldest_open: Annotated[OldestOpen | None, Field(description="The oldest that is neither met nor closed.")]


class Scorecards(BaseModel):
    items: list[Scorecard]
