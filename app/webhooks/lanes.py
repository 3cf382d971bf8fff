"""The life of a lane: how a webhook gets every event that concerns it, in order, at least once.

Each webhook has one lane, a place in the ledger. `planning` wakes the lanes that new events concern; `claim` lends due
lanes to a worker for a while; the worker sends a few events of each, in order, and `settle` notes how far it got and
when to go on. A worker that dies leaves a lease that runs out, and the next one begins where the lane stands. A worker
that is late finds that its lease has a newer epoch, and changes nothing.

    it is            ready_at    lease_owner  fail_streak  until
    idle             null        null         any          `planning` or `wake_if_idle` finds something to do
    due              past        null         any          `claim` lends it
    leased           its end     a worker     any          `settle`, `give_back` or `reset`, or `claim` once it is over
    backing off      to come     null         above 0      its time, or `retry_now`
    replay waits     to come     null         0            its time, or as idle: what is new is not held up

`ready_at` is the whole schedule: nobody may claim a lane before it. `settle` leaves a lane due where there is more to
send, idle where there is nothing, and backing off where its endpoint is in trouble. A message that was rejected is set
aside (`attempting`), and the lane goes on. It ends up idle where its webhook is not active: paused (`pausing`), gone
(410: `settling`), failing for five days (`ailing`) or to be verified (`verifying`); `pausing.resume` lets it go on.
Replays (`replaying`, `resending`) fill what room its turns have left.

Everything here is a step of a transaction that the caller opens. Lanes are always locked in the order of their ids, and
before their webhooks.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from app import clock
from app.database import settings_of
from app.webhooks import resending, tallying
from app.webhooks.answers import LONGEST_WAIT_SECONDS, Outcome, counts_against_endpoint
from app.webhooks.backoff import retry_at
from app.webhooks.models import Lane, State, Tried, Undelivered, Webhook
from app.webhooks.resending import Progress

_SECOND_TURN = datetime.timedelta(seconds=1)  # who goes on is never the last to have come


@dataclass(frozen=True)
class Lease:
    """The right to work a lane until somebody else has a newer epoch."""

    webhook_id: uuid.UUID
    epoch: int
    owner: str = field(repr=False)

    def holds(self, lane: Lane | None) -> bool:
        return lane is not None and (lane.lease_owner, lane.lease_epoch) == (self.owner, self.epoch)


@dataclass(frozen=True)
class Claimed:
    """A lane as it stood when it was claimed: what is after the cursor, up to the wake, may concern it."""

    lease: Lease
    cursor_seq: int
    wake_seq: int
    fail_streak: int
    first_fail_at: datetime.datetime | None


@dataclass
class Work:
    """What a worker did on a lane, to be settled."""

    lease: Lease
    cursor_seq: int
    attempts: list[Tried] = field(default_factory=list)  # in their order; the last one says how the endpoint is
    set_aside: list[Undelivered] = field(default_factory=list)
    replay: Progress | None = None
    retry_after_seconds: float | None = None

    @property
    def outcome(self) -> Outcome | None:
        return self.attempts[-1].outcome if self.attempts else None

    @property
    def failed_again(self) -> Tried | None:
        """What failed, where all got through but something that a replay sends again."""
        failed = self.replay is not None and self.outcome is Outcome.RETRY
        return self.attempts[-1] if failed and counts_against_endpoint(self.attempts[-1].error) else None


@dataclass(frozen=True)
class Settled:
    """Work that was in time, its lane, whether the webhook is active, and all that was given up for it."""

    work: Work
    lane: Lane
    active: bool
    given_up: list[Undelivered]


def claim(session: Session, owner: str, limit: int) -> list[Claimed]:
    """Lend due lanes: most to whom waited longest, be it for work, for a retry or for a worker that never came back.

    Some go to whom came last: a change that concerns few need not wait until one that concerns very many is through.
    """
    for_the_last = limit // 4
    claimed = _lend(session, owner, limit - for_the_last)
    if len(claimed) == limit - for_the_last and for_the_last:
        claimed += _lend(session, owner, for_the_last, to_the_last=True)
    return claimed


def give_back(session: Session, leases: Sequence[Lease]) -> None:
    """Of a worker that could not begin: the lanes may be claimed again at once, in other company.

    A lane alone is what it failed at, and waits until its lease ends: the others go on.
    """
    if len(leases) > 1:
        for lane in _held(session, leases).values():
            lane.lease_owner, lane.ready_at = None, clock.now()
        session.flush()
    tallying.add(session, unprepared=len(leases))


def set_right(session: Session) -> None:
    """Let the lanes go on that wait longer than any may, or for nothing: who wrote that had a clock ahead of ours."""
    margin = 2 * datetime.timedelta(seconds=settings_of(session).webhook_lease_seconds)
    longest_wait = datetime.timedelta(seconds=LONGEST_WAIT_SECONDS)
    leased, ready_at = col(Lane.lease_owner).is_not(None), col(Lane.ready_at)
    now = clock.now()
    ends = now + margin
    for_nothing = and_(is_idle(now), func.coalesce(resending.next_at(col(Lane.webhook_id)), now) <= now)
    too_long = (ready_at > ends, or_(leased, for_nothing, ready_at > ends + longest_wait))
    found = select(Lane).where(*too_long).order_by(col(Lane.webhook_id)).with_for_update(skip_locked=True)
    for lane in session.scalars(found):
        lane.ready_at = clock.now()
    resending.set_right(session, ends + longest_wait)


def renew(session: Session, leases: Sequence[Lease]) -> set[Lease]:
    """Extend the leases that still hold; work on the others must stop."""
    held = _held(session, leases)
    for lane in held.values():
        lane.ready_at = _end_of_lease(session, clock.now())
    return set(held)


def settle(session: Session, works: Sequence[Work]) -> list[Settled]:
    """Note how far each lane got and when it goes on; late work is dropped."""
    held = _held(session, [work.lease for work in works])
    in_time = [work for work in works if work.lease in held]
    given_up = [work.set_aside + _settle_replay(session, held[work.lease], work) for work in in_time]
    active = _active(session, held)
    settled = [
        Settled(work, held[work.lease], work.lease.webhook_id in active, events)
        for work, events in zip(in_time, given_up, strict=True)
    ]
    for each in settled:
        work, lane = each.work, each.lane
        lane.cursor_seq = max(lane.cursor_seq, work.cursor_seq)
        lane.lease_owner = None
        _note(lane, work)
        lane.ready_at = _goes_on_at(lane, work, active[lane.webhook_id]) if each.active else None
    return settled


def lock(session: Session, webhook_id: uuid.UUID) -> Lane | None:
    """The lane, if there is one, until the transaction ends. What follows wants it locked."""
    statement = select(Lane).where(col(Lane.webhook_id) == webhook_id).with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def wake_if_idle(session: Session, webhook_id: uuid.UUID) -> None:
    """There is something to send again."""
    now = clock.now()
    session.execute(update(Lane).where(col(Lane.webhook_id) == webhook_id, is_idle(now)).values(ready_at=now))


def is_idle(now: Any) -> ColumnElement[bool]:
    """Whether a lane waits for nothing, or only for something that is to be sent again."""
    replay_waits = and_(col(Lane.ready_at) > now, col(Lane.lease_owner).is_(None), col(Lane.fail_streak) == 0)
    return or_(col(Lane.ready_at).is_(None), replay_waits)


def retry_now(session: Session, lane: Lane) -> None:
    """Whatever it waits for; its failures still count."""
    if lane.lease_owner is None:
        lane.ready_at = clock.now()
    resending.retry_now(session, lane.webhook_id)


def read_on(lane: Lane, seq: int) -> None:
    """Up to there, if something is before it, since its webhook wants other things now."""
    if lane.cursor_seq < lane.wake_seq:
        lane.wake_seq = max(lane.wake_seq, seq)


def done_to(lane: Lane, planned_seq: int) -> int:
    """The seq up to which the lane has nothing left to do."""
    return max(lane.cursor_seq, planned_seq) if lane.cursor_seq >= lane.wake_seq else lane.cursor_seq


def forget_failures(session: Session, lane: Lane) -> None:
    """Of the endpoint as it was; what it does from now on counts."""
    lane.fail_streak, lane.first_fail_at, lane.warned_hours = 0, None, 0
    resending.retry_now(session, lane.webhook_id, fail_streak=0)


def reset(session: Session, lane: Lane, active: bool) -> None:
    """For another endpoint, of which nothing is known yet; whoever is at the old one, comes too late by now."""
    forget_failures(session, lane)
    lane.lease_owner, lane.lease_epoch = None, lane.lease_epoch + 1
    lane.ready_at = clock.now() if active else None


def _lend(session: Session, owner: str, limit: int, to_the_last: bool = False) -> list[Claimed]:
    now = clock.now()
    given = {"now": now, "until": _end_of_lease(session, now), "owner": owner, "most": limit}
    lent = session.connection().execute(_lending(to_the_last), given)
    return [Claimed(Lease(key, epoch, owner), *rest) for key, epoch, *rest in lent]


def _end_of_lease(session: Session, now: datetime.datetime) -> datetime.datetime:
    return now + datetime.timedelta(seconds=settings_of(session).webhook_lease_seconds)


@cache
def _lending(to_the_last: bool) -> Any:
    """Made once, since making it costs more than running it."""
    ready_at = col(Lane.ready_at)
    due = (  # materialized: PostgreSQL might run it again for each row, and claim more than the limit
        select(col(Lane.webhook_id))
        .where(ready_at.is_not(None), ready_at <= bindparam("now", type_=UTCDateTime()))
        .order_by(ready_at.desc() if to_the_last else ready_at.asc())
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    return (
        update(Lane)
        .where(col(Lane.webhook_id) == due.c.webhook_id)
        .values(
            ready_at=bindparam("until", type_=UTCDateTime()),
            lease_owner=bindparam("owner"),
            lease_epoch=Lane.lease_epoch + 1,
        )
        .returning(
            col(Lane.webhook_id),
            col(Lane.lease_epoch),
            col(Lane.cursor_seq),
            col(Lane.wake_seq),
            col(Lane.fail_streak),
            col(Lane.first_fail_at),
        )
        .execution_options(synchronize_session=False)
    )


def _held(session: Session, leases: Sequence[Lease]) -> dict[Lease, Lane]:
    """The lanes on which the leases still hold, locked; whoever has a newer epoch has taken the others over."""
    locked = (
        select(Lane)
        .where(col(Lane.webhook_id).in_({lease.webhook_id for lease in leases}))
        .order_by(col(Lane.webhook_id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {lane.webhook_id: lane for lane in session.scalars(locked)}
    # a worker may come with an old and a new one of the same lane
    return {lease: found[lease.webhook_id] for lease in leases if lease.holds(found.get(lease.webhook_id))}


def _settle_replay(session: Session, lane: Lane, work: Work) -> list[Undelivered]:
    """Gives what is to be set aside of it."""
    given_up = resending.advance(session, work.replay) if work.replay else None
    if work.outcome is Outcome.DELIVERED and lane.fail_streak:
        resending.retry_now(session, lane.webhook_id)  # who is well again gets the rest at once
    return [given_up] if given_up else []


def _active(session: Session, leases: Iterable[Lease]) -> dict[uuid.UUID, datetime.datetime | None]:
    """The webhooks that are active, and when there is something to send to them again, if there is."""
    found = select(col(Webhook.id), resending.next_at(col(Webhook.id))).where(
        col(Webhook.id).in_([lease.webhook_id for lease in leases]), col(Webhook.state) == State.ACTIVE
    )
    return {row[0]: row[1] for row in session.execute(found)}


def _note(lane: Lane, work: Work) -> None:
    """How the endpoint is."""
    since_ok = list(takewhile(lambda attempt: attempt.outcome is not Outcome.DELIVERED, reversed(work.attempts)))
    if len(since_ok) < len(work.attempts):
        last_ok = work.attempts[-len(since_ok) - 1]
        lane.last_ok_at, lane.first_fail_at, lane.warned_hours = last_ok.started_at, None, 0
    theirs = [attempt for attempt in since_ok if counts_against_endpoint(attempt.error)]
    if theirs and lane.first_fail_at is None:
        first_fail_at = theirs[-1].started_at
        lane.first_fail_at = max(first_fail_at, lane.last_ok_at or first_fail_at)  # one of the clocks may be behind
    if work.outcome is Outcome.RETRY and not work.failed_again:
        lane.fail_streak += 1
    elif work.outcome in {Outcome.DELIVERED, Outcome.REJECTED} or work.failed_again:
        lane.fail_streak = 0  # it answers: there is nothing to wait for, even if it takes nothing


def _goes_on_at(lane: Lane, work: Work, again_at: datetime.datetime | None) -> datetime.datetime | None:
    """None where nothing is left to do."""
    if work.outcome is Outcome.RETRY and not work.failed_again:
        return retry_at(lane.fail_streak, work.retry_after_seconds)
    if work.outcome is Outcome.GONE:
        return None
    next_turn = clock.now() - _SECOND_TURN
    if lane.cursor_seq < lane.wake_seq:
        return next_turn
    return max(next_turn, again_at) if again_at else None
