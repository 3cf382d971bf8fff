"""Webhooks as the API has them."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import MISSING, AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field

from app.fields import Line, Ref, Schema, Slug
from app.ledger.types import EventType
from app.paging import PageQuery
from app.webhooks.addresses import LONGEST_URL
from app.webhooks.models import State

Status = Literal[
    "open", "in_progress", "partially_met", "stalled", "reversed", "met", "withdrawn", "superseded", "overtaken"
]
Group = Literal["open", "moving", "blocked", "met", "closed"]


def _in_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _each_once(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


Either = (BeforeValidator(_in_a_list), AfterValidator(_each_once), Field(min_length=1, max_length=50))
Slugs = Annotated[list[Slug], *Either]
Statuses = Annotated[list[Status], *Either]
Groups = Annotated[list[Group], *Either]
Refs = Annotated[list[Ref], *Either]
EventTypes = Annotated[
    list[EventType],
    AfterValidator(_each_once),
    Field(max_length=100, description="None: all. Notices that something was taken from view come in any case."),
]
EndpointUrl = Annotated[
    str, Field(max_length=LONGEST_URL, description="https, and nothing in a private network.", examples=["https://…"])
]


class Filters(Schema):
    """The words of the list of demands: several values mean either, different words narrow together."""

    campaign: Slugs | None = None
    kind: Slugs | None = None
    status: Annotated[Statuses | None, Field(description="After what happened.")] = None
    group: Groups | None = None
    body: Annotated[Slugs | None, Field(description="Targets, and the bodies below them.")] = None
    issuer: Slugs | None = None
    tag: Slugs | None = None
    demand: Refs | None = None
    disputed: bool | None = None
    overdue: bool | None = None
    stale: bool | None = None
    no_response: bool | None = None


class WebhookNew(Schema):
    url: EndpointUrl
    types: EventTypes = []
    filters: Filters = Filters()
    description: Line | None = None


class WebhookRevision(Schema):
    """A word of the filters that is null is taken away, one that is absent stays."""

    url: EndpointUrl | MISSING = MISSING
    types: EventTypes | None | MISSING = MISSING
    filters: Filters | None | MISSING = MISSING
    description: Line | None | MISSING = MISSING


class WebhookRead(BaseModel):
    id: uuid.UUID
    organization: str
    url: str
    description: str | None
    types: list[str]
    filters: dict[str, Any]
    state: State
    state_reason: str | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class WebhookMade(WebhookRead):
    """Shows the secret, this once."""

    secret: Annotated[str, Field(description="Signs the messages (Standard Webhooks, `v1`).")]


class WebhookQuery(PageQuery):
    """The newest first."""
