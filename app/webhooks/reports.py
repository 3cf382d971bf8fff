"""What can be found out about a webhook, as the API has it: the log, what was given up, its health, what to fetch."""

import enum
import uuid
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from app.fields import MomentOrDay, Schema
from app.ledger.reading import AFTER
from app.ledger.words import each_once
from app.paging import Limit, PageQuery
from app.webhooks.answers import Failure, Outcome
from app.webhooks.events import WebhookTold
from app.webhooks.headers import SHOWN
from app.webhooks.messages import DemandLinks, Links
from app.webhooks.models import Reason, State

EXAMPLE = "evt_0193500000007000a000000000000000"


def _event_id(text: str) -> str:
    """As `webhook-id` has it, with or without `evt_`."""
    try:
        return uuid.UUID(text.removeprefix("evt_")).hex
    except ValueError:
        raise ValueError(f"an event's id looks like {EXAMPLE}") from None


EventId = Annotated[
    str,
    AfterValidator(_event_id),
    Field(max_length=40, examples=[EXAMPLE]),
]


class AttemptQuery(PageQuery):
    """The newest first."""

    event: Annotated[EventId | None, Field(description="The `webhook-id` of a message.")] = None
    outcome: Annotated[
        list[Outcome], AfterValidator(each_once), Field(max_length=10, description="Several mean either; none: all.")
    ] = []
    since: Annotated[
        MomentOrDay | None,
        Field(description="What was begun then or later: a moment with its offset, or a day in UTC."),
    ] = None
    until: Annotated[
        MomentOrDay | None, Field(description="What was begun before then: a moment, or the beginning of a day in UTC.")
    ] = None


class AboutEvent(BaseModel):
    """Which event a message was about."""

    event: Annotated[str, Field(description="The `webhook-id` of the message.")]
    seq: int
    type: str | None
    demand: Annotated[str | None, Field(description="Null, too, where it happened to no demand.", examples=["NK-4"])]
    links: Annotated[DemandLinks | Links | None, Field(description="As in the message.")]


class AttemptRead(AboutEvent):
    """One POST. `error` names what kept it from a complete answer, `detail` says it in a sentence.

    `type`, `demand` and `links` are null where the webhook may not see the event any more.
    """

    id: uuid.UUID
    started_at: Annotated[AwareDatetime, Field(description="When the attempt began.")]
    duration_ms: Annotated[int, Field(description="From the lookup of the name to the last byte that was read.")]
    outcome: Outcome
    status: Annotated[int | None, Field(description="Of the answer, be it complete or not; null where none came.")]
    error: Failure | None
    detail: Annotated[str, Field(description="The answer's status in words, or why there was none.")]
    remote_address: Annotated[str | None, Field(description="Where it connected to, or tried to last.")]
    request_headers: Annotated[dict[str, str], Field(description=SHOWN)]
    response_headers: dict[str, str]
    response_body: Annotated[str, Field(description="The first 8 KiB; bytes that are no UTF-8 are replaced.")]


class UndeliveredRead(AboutEvent):
    """An event that was given up, so that those after it could go on.

    `type`, `demand` and `links` are null where the webhook may not see the event any more.
    """

    reason: Reason
    set_aside_at: AwareDatetime


class DoneBy(enum.StrEnum):
    """Who did something to a webhook.

    - `organization`: its own people
    - `staff`: those who run the tracker
    - `tracker`: the tracker by itself
    """

    ORGANIZATION = "organization"
    STAFF = "staff"
    TRACKER = "tracker"


class WebhookHistoryEntry(BaseModel):
    """Something that was done to a webhook, or a warning about it."""

    seq: int
    recorded_at: AwareDatetime
    type: str
    what: Annotated[str, Field(description="The type in words.")]
    by: DoneBy
    key: Annotated[str | None, Field(description="How the key begins, where it is one of its organization's.")]
    webhook: Annotated[WebhookTold | None, Field(description="As it was then; null where that was erased.")]
    failing_hours: Annotated[int | None, Field(description="With `webhook.failing`: without one success for so long.")]


class HealthQuery(Schema):
    hours: Annotated[int, Field(ge=1, le=720, description="How far back attempts count.")] = 24


class WebhookHealth(BaseModel):
    """How the endpoint fares, and how far its deliveries are behind."""

    state: State
    state_reason: str | None
    state_since: Annotated[AwareDatetime, Field(description="Who changed it, and what was before: see `…/history`.")]
    attempts: Annotated[int, Field(description="In these hours; the newest thousand at most.")]
    success_rate: Annotated[
        float | None, Field(description="Of the attempts, those delivered; ours that failed aside.")
    ]
    p50_ms: Annotated[int | None, Field(description="Half of the attempts took no longer; ours that failed aside.")]
    p95_ms: Annotated[int | None, Field(description="Nineteen of twenty took no longer; ours that failed aside.")]
    last_success_at: Annotated[AwareDatetime | None, Field(description="When it last took a message, ever.")]
    failing_since: Annotated[
        AwareDatetime | None,
        Field(
            description="When the first attempt since the last success failed or was refused (`rejected`), be there "
            "others since or not; failures of ours aside. A success makes it null."
        ),
    ]
    failures_in_a_row: Annotated[
        int,
        Field(
            description="The latest attempts after which all had to wait (`retry`); 0 after a refusal (`rejected`), "
            "since the endpoint is well, and is sent the next message at once."
        ),
    ]
    next_attempt_at: Annotated[
        AwareDatetime | None,
        Field(description="When what failed last is tried again; null where nothing waits for that."),
    ]
    lag_events: Annotated[int, Field(description="Events that wait; 1,000 means that many or more.")]
    lag_seconds: Annotated[float, Field(description="How long the first of them has waited.")]
    undelivered: Annotated[int, Field(description="Events that were given up; 1,000 means that many or more.")]


class PollQuery(Schema):
    after: Annotated[str, Field(max_length=40, description=AFTER)] = ""
    limit: Limit = 50


class PolledMessage(BaseModel):
    """As it is posted, with the `webhook-id` that it has there."""

    id: str
    type: str
    timestamp: AwareDatetime
    data: dict[str, Any]


class PolledPage(BaseModel):
    """Ask again with `next_cursor`; `head` is the seq at which the ledger ended."""

    items: list[PolledMessage]
    next_cursor: str
    head: int
