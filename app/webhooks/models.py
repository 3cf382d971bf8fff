"""A partner's webhook, what it wants, how far it has got, and the log of what was sent.

None of these rows are facts about demands, so the ledger does not rebuild them; changes of a webhook are events that
staff see.
"""

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlmodel import Field

from app import clock
from app.fields import coded
from app.ledger.erasing import REPEATS_EVENTS
from app.tables import Table, Versioned, new_id
from app.webhooks.answers import Outcome

GIVE_UP_AFTER = datetime.timedelta(days=5)


class State(enum.StrEnum):
    """Whether a webhook is sent anything. One that rests keeps its place, and may go on from there.

    - `active`: it is
    - `paused`: it rests at its organization's wish
    - `disabled`: the tracker has laid it to rest, for the reason in `state_reason`; `PUT …/paused` lets it go on
    - `unverified`: it waits for its endpoint to echo a challenge, which `POST …/verification` sends
    """

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"
    UNVERIFIED = "unverified"


class Payload(enum.StrEnum):
    """How much the messages say.

    - `full`: the demand as you may see it, and the change
    - `thin`: what happened to what, and where to fetch the rest
    """

    FULL = "full"
    THIN = "thin"


class Webhook(Versioned, table=True):
    """An endpoint of an organisation, and which events it wants."""

    ledgered: ClassVar[bool] = False

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    organization_id: uuid.UUID = Field(foreign_key="organization.id", index=True)
    url: str = Field(max_length=2000)
    description: str | None = Field(default=None, max_length=500)
    contact_email: str | None = Field(default=None, max_length=254)  # personal: not for the ledger
    types: list[str] = Field(default=[], sa_type=JSON)  # none: all
    filters: dict[str, Any] = Field(default={}, sa_type=JSON)
    filters_were_revised: bool = False  # it was sent what its filters do not say any more
    payload: Payload = Field(default=Payload.FULL, sa_type=coded(Payload))
    sealed_headers: dict[str, str] = Field(default={}, sa_type=JSON)  # of its own; only their names can be read
    v1a: bool = False  # whether a key pair signs too
    state: State = Field(default=State.ACTIVE, sa_type=coded(State))
    state_reason: str | None = Field(default=None, max_length=500)
    state_since: datetime.datetime = Field(default_factory=lambda: clock.now())
    verified_at: datetime.datetime | None = None  # when its present URL echoed a challenge
    paused_once_verified: bool = False  # it was to rest when it had to be verified

    def become(self, state: State, reason: str | None = None) -> None:
        if state is not self.state:
            self.state_since = clock.now()
        self.state, self.state_reason = state, reason


def _of_webhook(**options: Any) -> Any:
    """A column that names the webhook which the row goes with."""
    return Field(sa_column=Column(Uuid, ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False, **options))


def _seq(default: int | None = None, **options: Any) -> Any:
    """A column with a place in the ledger."""
    options = {"nullable": False, **options}
    if default is None:
        return Field(sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), **options))
    return Field(default=default, sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), **options))


class WebhookSecret(Table, table=True):
    """What signs the messages. While secrets rotate there are several, and each signs."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_secret"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    webhook_id: uuid.UUID = _of_webhook(index=True)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed_key: bytes | None = Field(default=None, sa_column=Column(LargeBinary))  # where a key pair signs too
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    expires_at: datetime.datetime | None = None  # the current one has no end


class Subscription(Table, table=True):
    """A key of events that wakes a webhook's lane; `selecting` says which keys those are."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_subscription"

    match_key: str = Field(primary_key=True, max_length=120)
    webhook_id: uuid.UUID = _of_webhook(primary_key=True, index=True)


class Lane(Table, table=True):
    """How far a webhook has got in the ledger; `lanes` tells its life."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_lane"
    __table_args__ = (
        Index(
            "ix_webhook_lane_ready_at",
            "ready_at",
            postgresql_where=text("ready_at IS NOT NULL"),
            sqlite_where=text("ready_at IS NOT NULL"),
        ),
        CheckConstraint("fail_streak >= 0", name="fail_streak"),
    )

    webhook_id: uuid.UUID = _of_webhook(primary_key=True)
    cursor_seq: int = _seq()  # everything up to here was delivered, set aside, or not for it
    wake_seq: int = _seq()  # nothing after this concerns it, as far as has been planned
    ready_at: datetime.datetime | None = None  # when it may be claimed: work, a retry, or the end of a lease
    lease_owner: str | None = Field(default=None, max_length=32)
    lease_epoch: int = 0  # of the latest lease: whoever has an older one is late
    fail_streak: int = 0  # attempts in a row after which it had to wait
    first_fail_at: datetime.datetime | None = None  # since the last success, be it refused; our own faults do not count
    warned_hours: int = 0  # for how long there had been no success when staff were last told
    last_ok_at: datetime.datetime | None = None


ERASED = "What came back was erased with what had been sent."


class Attempt(Table, table=True):
    """One POST and what came of it. Some endpoints answer with what they were sent."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_attempt"
    __table_args__ = (
        Index("ix_webhook_attempt_webhook_id_started_at_id", "webhook_id", "started_at", "id"),
        Index("ix_webhook_attempt_event_id_webhook_id", "event_id", "webhook_id"),
        Index("ix_webhook_attempt_webhook_id_outcome_started_at_id", "webhook_id", "outcome", "started_at", "id"),
        {"info": {REPEATS_EVENTS: {"response_headers": {}, "response_body": b"", "detail": ERASED}}},
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    webhook_id: uuid.UUID = _of_webhook()
    event_id: uuid.UUID
    seq: int = _seq()
    started_at: datetime.datetime
    duration_ms: int
    outcome: Outcome = Field(sa_type=coded(Outcome))
    status: int | None = None
    error: str | None = Field(default=None, max_length=40)  # an `answers.Failure`
    detail: str = Field(sa_type=Text)
    remote_address: str | None = Field(default=None, max_length=45)
    request_headers: dict[str, str] = Field(sa_type=JSON)  # without secrets
    response_headers: dict[str, str] = Field(sa_type=JSON)
    response_body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # as it came, 8 KiB at most


@dataclass(frozen=True)
class Tried:
    """An attempt to be noted. Rows that are only ever inserted need not cost what a mapped object does."""

    webhook_id: uuid.UUID
    event_id: uuid.UUID
    seq: int
    started_at: datetime.datetime
    duration_ms: int
    outcome: Outcome
    detail: str
    request_headers: Mapping[str, str]
    response_headers: Mapping[str, str]
    response_body: bytes
    status: int | None = None
    error: str | None = None
    remote_address: str | None = None
    id: uuid.UUID = dataclasses.field(default_factory=new_id)


class Reason(enum.StrEnum):
    """Why an event was given up.

    - `rejected`: the endpoint is well and did not want this one
    - `expired`: the endpoint took nothing for five days, or not this one in twenty attempts of a replay
    """

    REJECTED = "rejected"
    EXPIRED = "expired"


class Undelivered(Table, table=True):
    """An event that was given up for a webhook, so that those after it could go on."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_undelivered"

    webhook_id: uuid.UUID = _of_webhook(primary_key=True)
    seq: int = _seq(primary_key=True, autoincrement=False)
    event_id: uuid.UUID
    reason: Reason = Field(sa_type=coded(Reason))
    set_aside_at: datetime.datetime = Field(index=True)


class ReplayState(enum.StrEnum):
    """How a replay stands.

    - `running`: something is still to be sent
    - `finished`: all was sent
    - `expired`: the endpoint took neither of two, each tried twenty times, so the rest is not sent
    - `cancelled`: its organization ended it
    """

    RUNNING = "running"
    FINISHED = "finished"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Replay(Table, table=True):
    """A stretch of the ledger that is sent once more, while the lane keeps its place; `replaying` tells how."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_replay"
    __table_args__ = (Index("ix_webhook_replay_webhook_id_id", "webhook_id", "id"),)

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    webhook_id: uuid.UUID = _of_webhook()
    from_seq: int = _seq()
    to_seq: int = _seq()
    at_seq: int = _seq()  # everything up to here was sent again, or is not for it
    types: list[str] = Field(default=[], sa_type=JSON)  # none: all that the webhook wants
    only_undelivered: bool = False
    state: ReplayState = Field(default=ReplayState.RUNNING, sa_type=coded(ReplayState))
    delivered: int = 0
    rejected: int = 0
    fail_streak: int = 0  # attempts in a row that the endpoint failed; the lane does not wait for them
    retry_at: datetime.datetime | None = None  # null: in the lane's next turn
    created_at: datetime.datetime = Field(default_factory=lambda: clock.now())
    finished_at: datetime.datetime | None = None


class Tally(Table, table=True):
    """How often something came of a delivery, ever; `tallying` tells of what."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_tally"

    name: str = Field(primary_key=True, max_length=40)
    up_to_ms: int = Field(primary_key=True)  # how long it took at most; 0 where that does not matter
    count: int = Field(sa_type=BigInteger)
    total_ms: int = Field(sa_type=BigInteger)


class PlanProgress(Table, table=True):
    """How far the ledger was read for whom it concerns: one row, whose lock lets one planner at a time."""

    ledgered: ClassVar[bool] = False
    __tablename__ = "webhook_plan"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True)
    seq: int = _seq()  # everyone whom an event up to here concerns has been woken
    until_seq: int | None = _seq(nullable=True)  # of the batch under way
    after_webhook_id: uuid.UUID | None = None  # within it, the webhooks up to here are done
