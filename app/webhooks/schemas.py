"""Webhooks as the API has them."""

import uuid
from typing import Annotated, Any

from pydantic import MISSING, AfterValidator, AwareDatetime, BaseModel, Field

from app.fields import Line, Schema
from app.ledger.types import EventType
from app.ledger.words import Filters, each_once
from app.paging import PageQuery
from app.webhooks.addresses import LONGEST_URL
from app.webhooks.models import State

EventTypes = Annotated[
    list[EventType],
    AfterValidator(each_once),
    Field(max_length=100, description="None: all. Notices that something was taken from view come in any case."),
]
EndpointUrl = Annotated[
    str,
    Field(
        max_length=LONGEST_URL,
        description="https, and nothing in a private network.",
        examples=["https://partner.example/hook"],
    ),
]


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
