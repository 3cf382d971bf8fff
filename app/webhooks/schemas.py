"""Webhooks as the API has them."""

import uuid
from typing import Annotated, Any, Literal, Self

from pydantic import (
    MISSING,
    AfterValidator,
    AwareDatetime,
    BaseModel,
    EmailStr,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from app.fields import Line, MomentOrDay, Schema, Slug
from app.ledger.types import EventType
from app.ledger.words import Filters, Seq, each_once
from app.paging import PageQuery
from app.webhooks.addresses import LONGEST_URL
from app.webhooks.answers import Failure, Outcome
from app.webhooks.headers import SHOWN, HeaderChanges, Headers
from app.webhooks.models import Payload, ReplayState, State

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
AlsoV1a = Annotated[
    bool, Field(description="Whether a key pair signs as well (`v1a`, ed25519): for receivers that share no secret.")
]
ContactEmail = Annotated[EmailStr, Field(max_length=254, description="Whom to tell when the endpoint fails for long.")]


class WebhookNew(Schema):
    organization: Annotated[Slug | None, Field(description="Whose it is: yours, unless an admin says another.")] = None
    url: EndpointUrl
    types: EventTypes = []
    filters: Filters = Filters()
    payload: Payload = Payload.FULL
    headers: Headers = {}
    v1a: AlsoV1a = False
    verify: Annotated[
        bool, Field(description="Send nothing until the endpoint has echoed a challenge: see `POST …/verification`.")
    ] = False
    paused: Annotated[
        bool,
        Field(
            description="Send nothing until it is let go on: for those who cannot be reached, and fetch `…/events`. "
            "One that is to be verified is `unverified` first."
        ),
    ] = False
    description: Line | None = None
    contact_email: ContactEmail | None = None


class WebhookRevision(Schema):
    """A word of the filters or a header that is null is taken away, one that is absent stays."""

    url: EndpointUrl | MISSING = MISSING
    types: EventTypes | None | MISSING = MISSING
    filters: Filters | None | MISSING = MISSING
    payload: Payload | MISSING = MISSING
    headers: HeaderChanges | None | MISSING = MISSING
    v1a: AlsoV1a | MISSING = MISSING
    description: Line | None | MISSING = MISSING
    contact_email: ContactEmail | None | MISSING = MISSING


class WebhookRead(BaseModel):
    id: uuid.UUID
    organization: str
    url: str
    description: str | None
    contact_email: str | None
    types: list[str]
    filters: dict[str, Any]
    payload: Payload
    header_names: Annotated[list[str], Field(description="Of its own headers; their values are never shown.")]
    v1a: bool
    state: State
    state_reason: str | None
    state_since: Annotated[AwareDatetime, Field(description="Who changed it, and what was before: see `…/history`.")]
    verified_at: Annotated[AwareDatetime | None, Field(description="When the endpoint last echoed a challenge.")]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


Secret = Annotated[str, Field(description="Signs the messages (Standard Webhooks, `v1`).", examples=["whsec_…"])]
PublicKey = Annotated[str, Field(description="Proves the signatures `v1a` (ed25519).", examples=["whpk_…"])]


class WebhookMade(WebhookRead):
    """Shows the secret, this once."""

    secret: Secret
    public_key: PublicKey | None


class PreviousKey(BaseModel):
    """Signs as well, for a while."""

    public_key: PublicKey
    until: AwareDatetime


class PublicKeyRead(BaseModel):
    public_key: PublicKey
    previous: list[PreviousKey]


class WebhookQuery(PageQuery):
    """The newest first."""

    organization: Annotated[Slug | None, Field(description="Whose they are: for admins, who see all.")] = None
    state: Annotated[
        list[State], AfterValidator(each_once), Field(max_length=10, description="Several mean either; none: all.")
    ] = []


class RetryNew(Schema):
    seq: Annotated[Seq | None, Field(description="Of one event; null: all that are undelivered.")] = None


class ReplayNew(Schema):
    """Begins `since` a time or with `from_seq`; of what is undelivered, unless they say otherwise, with the first."""

    since: Annotated[MomentOrDay | None, Field(description="A moment with its offset, or a day in UTC.")] = None
    from_seq: Seq | None = None
    to_seq: Annotated[Seq | None, Field(description="Null: up to what is delivered so far.")] = None
    types: EventTypes = []
    only_undelivered: Annotated[
        bool, Field(description="What the webhook was owed when it was given up, whatever its own filters say by now.")
    ] = False

    @model_validator(mode="after")
    def _has_one_beginning(self) -> Self:
        if self.since is not None and self.from_seq is not None:
            raise ValueError("give one of since and from_seq, not both")
        if self.since is None and self.from_seq is None and not self.only_undelivered:
            raise ValueError("say where to begin, with since or from_seq")
        return self


class ReplayRead(BaseModel):
    """What lies after `at_seq`, up to `to_seq`, is still to be sent.

    What you may not see any more is passed over, and from then on not listed as undelivered either.
    """

    id: uuid.UUID
    webhook_id: uuid.UUID
    state: ReplayState
    waits: Annotated[bool, Field(description="Whether nothing is sent before the webhook is active.")]
    from_seq: int
    to_seq: int
    at_seq: int
    types: list[str]
    only_undelivered: bool
    delivered: int
    rejected: int
    retry_at: Annotated[
        AwareDatetime | None, Field(description="When it is tried again, if what is next did not get through.")
    ]
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


def _in_words(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Left to itself, Pydantic tells of each kind of start why it is not that one."""
    try:
        return check(value)
    except ValidationError:
        raise ValueError("say `catch_up`, `now` or a time, such as 2022-12-10T09:30:00Z") from None


Start = Annotated[Literal["catch_up", "now"] | MomentOrDay, WrapValidator(_in_words)]


class Pause(Schema):
    """`from` says where a webhook goes on, also one that was active all the time; it stays out of a pause."""

    paused: bool
    from_: Annotated[
        Start,
        Field(
            alias="from",
            description="`catch_up`: with all that waits; `now`: without; or with what came since a moment or a day in "
            "UTC, but never further back than the webhook had come: a replay does that. What is passed over is not "
            "listed as undelivered; a replay brings it, too. One begins by itself where something was taken from view "
            "or redacted meanwhile.",
        ),
    ] = "catch_up"


class SecretRotation(Schema):
    grace_hours: Annotated[int, Field(ge=0, le=168, description="How long the secret before signs as well.")] = 24


class SecretMade(BaseModel):
    """Shows the secret, this once."""

    secret: Secret
    public_key: PublicKey | None
    previous_until: Annotated[AwareDatetime, Field(description="Until then what signed before signs as well.")]


class TestAnswer(BaseModel):
    """What came of a `webhook.test` message."""

    __test__ = False  # pytest takes the name for a test

    event: Annotated[str, Field(description="The `webhook-id` of the message.")]
    outcome: Outcome
    status: int | None
    error: Failure | None
    detail: str
    duration_ms: int
    remote_address: Annotated[str | None, Field(description="Which was tried last, if there was no connection.")]
    request_headers: Annotated[dict[str, str], Field(description=SHOWN)]
    response_headers: dict[str, str]
    response_body: str


class VerificationAnswer(TestAnswer):
    """What came of a `webhook.verification` message."""

    verified: Annotated[bool, Field(description="Whether the answer was the challenge; if not, see `detail`.")]
