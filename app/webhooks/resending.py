"""How replays get on: what of them is next for a lane, and what came of it. `replaying` begins them."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, or_, update
from sqlmodel import Session, col, select

from app import clock
from app.webhooks.answers import Outcome
from app.webhooks.backoff import retry_at
from app.webhooks.models import Reason, Replay, ReplayState, Tried, Undelivered

MOST_ATTEMPTS = 20  # in vain, and what is sent again is set aside: as things go, after five days

_EVENTS_AT_ONCE = 200  # of one replay
_UNDELIVERED_AT_ONCE = 20


@dataclass(frozen=True)
class Stretch:
    """The next events of a replay that may be sent, and how far they reach."""

    replay_id: uuid.UUID
    types: list[str]
    only_undelivered: bool
    at_seq: int
    seqs: Sequence[int]
    end_seq: int


@dataclass
class Progress:
    """What a worker sent again."""

    replay_id: uuid.UUID
    at_seq: int
    unseen: list[int] = field(default_factory=list)  # what may not be seen any more is owed no more
    delivered: list[int] = field(default_factory=list)
    rejected: int = 0
    failed: Tried | None = None  # what ended the turn
    retry_after_seconds: float | None = None

    def note(self, seq: int, outcome: Outcome) -> None:
        self.at_seq = seq
        if outcome is Outcome.DELIVERED:
            self.delivered.append(seq)
        else:
            self.rejected += 1


def running(webhook_id: Any) -> ColumnElement[bool]:
    """A condition on a webhook's id: whether there is something to send to it again."""
    replay = select(Replay).where(col(Replay.webhook_id) == webhook_id, col(Replay.state) == ReplayState.RUNNING)
    return replay.exists()


def stretches(session: Session, webhook_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Stretch]:
    """Of the oldest replay that each webhook has running, but for those that wait to be tried again."""
    if not webhook_ids:
        return {}
    due = (
        Replay.state == ReplayState.RUNNING,
        or_(col(Replay.retry_at).is_(None), col(Replay.retry_at) <= clock.now()),
    )
    statement = select(Replay).where(col(Replay.webhook_id).in_(webhook_ids), *due)
    newest_first = session.exec(statement.order_by(col(Replay.id).desc()))
    oldest = {replay.webhook_id: replay for replay in newest_first}
    return {webhook_id: _stretch(session, replay) for webhook_id, replay in oldest.items()}


def next_at(webhook_id: Any) -> ScalarSelect[datetime.datetime | None]:
    """Of a webhook's id: when its next running replay goes on, in the past if that may be now; null without one."""
    soonest = func.min(func.coalesce(col(Replay.retry_at), col(Replay.created_at)))
    of_webhook = (col(Replay.webhook_id) == webhook_id, col(Replay.state) == ReplayState.RUNNING)
    return select(soonest).where(*of_webhook).scalar_subquery()


def retry_now(session: Session, webhook_id: uuid.UUID, **changes: Any) -> None:
    """Let the replays go on in the next turn of the lane, which the caller has locked."""
    waiting = (col(Replay.webhook_id) == webhook_id, col(Replay.state) == ReplayState.RUNNING)
    session.execute(update(Replay).where(*waiting).values(retry_at=None, **changes))


def set_right(session: Session, at_the_latest: datetime.datetime) -> None:
    """Let the replays go on that wait for longer than any may."""
    too_long = (col(Replay.state) == ReplayState.RUNNING, col(Replay.retry_at) > at_the_latest)
    session.execute(update(Replay).where(*too_long).values(retry_at=None))


def advance(session: Session, progress: Progress) -> Undelivered | None:
    """The caller holds the lease of the lane. What gets through, or may not be seen any more, is no longer undelivered.

    Returns what is to be set aside. Where the next one does not get through as often either, the replay ends.
    """
    replay = session.get(Replay, progress.replay_id, populate_existing=True)
    if replay is None:
        return None
    if progress.at_seq > replay.at_seq:
        replay.at_seq, replay.fail_streak, replay.retry_at = progress.at_seq, 0, None
    replay.delivered += len(progress.delivered)
    replay.rejected += progress.rejected
    given_up = _put_off(replay, progress.failed, progress.retry_after_seconds) if progress.failed else None
    if replay.state is ReplayState.RUNNING and replay.at_seq >= replay.to_seq:
        replay.state, replay.finished_at = ReplayState.FINISHED, clock.now()
    if done_with := [*progress.delivered, *progress.unseen]:
        owed_no_more = col(Undelivered.seq).in_(done_with)
        session.execute(delete(Undelivered).where(col(Undelivered.webhook_id) == replay.webhook_id, owed_no_more))
    return given_up


def _put_off(replay: Replay, failed: Tried, retry_after_seconds: float | None) -> Undelivered | None:
    replay.fail_streak += 1
    replay.retry_at = retry_at(replay.fail_streak, retry_after_seconds)
    if replay.state is ReplayState.RUNNING and replay.fail_streak >= 2 * MOST_ATTEMPTS:
        replay.state, replay.finished_at = ReplayState.EXPIRED, clock.now()
    if replay.fail_streak != MOST_ATTEMPTS:
        return None
    replay.at_seq, replay.retry_at = failed.seq, None
    return Undelivered(
        webhook_id=replay.webhook_id,
        seq=failed.seq,
        event_id=failed.event_id,
        reason=Reason.EXPIRED,
        set_aside_at=clock.now(),
    )


def _stretch(session: Session, replay: Replay) -> Stretch:
    first, last = replay.at_seq + 1, replay.to_seq
    seqs: Sequence[int] = range(first, min(last, replay.at_seq + _EVENTS_AT_ONCE) + 1)
    if replay.only_undelivered:
        given_up = select(Undelivered.seq).where(
            Undelivered.webhook_id == replay.webhook_id, col(Undelivered.seq).between(first, last)
        )
        seqs = session.exec(given_up.order_by(col(Undelivered.seq)).limit(_UNDELIVERED_AT_ONCE)).all()
        end = seqs[-1] if len(seqs) == _UNDELIVERED_AT_ONCE else last
        return Stretch(replay.id, replay.types, replay.only_undelivered, replay.at_seq, seqs, end)
    return Stretch(replay.id, replay.types, replay.only_undelivered, replay.at_seq, seqs, seqs[-1])
