"""Follows as the API has them."""

import zoneinfo
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, EmailStr, Field

from app.fields import Schema
from app.follows.models import Pace
from app.ledger.types import NEWS, EventType
from app.ledger.words import Filters, each_once

USUAL_TYPES = ["demand.published", *NEWS]


@cache
def zones() -> set[str]:
    return zoneinfo.available_timezones() - {"Factory", "localtime"}  # which name no place


def _zone(name: str) -> str:
    if name not in zones():
        raise ValueError("this is no time zone; write it as Europe/Berlin")
    return name


Address = Annotated[EmailStr, Field(max_length=254)]  # RFC 5321, section 4.5.3.1.3 less its brackets
Timezone = Annotated[
    str,
    AfterValidator(_zone),
    Field(max_length=64, description="Where digests come at seven in the morning.", examples=["Europe/Berlin"]),
]


class FollowNew(Schema):
    email: Address
    filters: Filters = Filters()
    types: Annotated[
        list[EventType],
        AfterValidator(each_once),
        Field(max_length=100, description="None: what happens in the world, without mere edits of the record."),
    ] = []
    pace: Annotated[Pace, Field(description="Digests come at seven in the morning, weekly ones on Mondays.")]
    timezone: Timezone = "UTC"


class FollowAsked(BaseModel):
    """The same for every address, known or not; what comes of it is told to the address alone."""

    filters: dict[str, Any]
    types: list[str]
    pace: Pace
    timezone: str
    confirm_within_hours: int
    what_now: str
