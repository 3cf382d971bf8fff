"""How replays get on: what of them is next for a lane, and what came of it. `replaying` begins them."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, col, select

from app import clock
from app.webhooks.answers import Outcome
from app.webhooks.models import GIVE_UP_AFTER, Replay, ReplayState, Undelivered

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
    """Of the oldest replay that each webhook has running."""
    statement = select(Replay).where(col(Replay.webhook_id).in_(webhook_ids), Replay.state == ReplayState.RUNNING)
    newest_first = session.exec(statement.order_by(col(Replay.id).desc())) if webhook_ids else ()
    oldest = {replay.webhook_id: replay for replay in newest_first}
    return {webhook_id: _stretch(session, replay) for webhook_id, replay in oldest.items()}


def advance(session: Session, progress: Progress, failing_since: datetime.datetime | None) -> None:
    """The caller holds the lease of the lane. What gets through, or may not be seen any more, is no longer undelivered.

    Only an endpoint that failed for too long ends a replay before its time, and not while that gets on.
    """
    replay = session.get(Replay, progress.replay_id, populate_existing=True)
    if replay is None or replay.state is not ReplayState.RUNNING:
        return
    gets_on = progress.at_seq > replay.at_seq
    replay.at_seq = max(replay.at_seq, progress.at_seq)
    replay.delivered += len(progress.delivered)
    replay.rejected += progress.rejected
    if replay.at_seq >= replay.to_seq:
        replay.state, replay.finished_at = ReplayState.FINISHED, clock.now()
    elif not gets_on and failing_since and max(failing_since, replay.created_at) < clock.now() - GIVE_UP_AFTER:
        replay.state, replay.finished_at = ReplayState.EXPIRED, clock.now()
    if done_with := [*progress.delivered, *progress.unseen]:
        owed_no_more = col(Undelivered.seq).in_(done_with)
        session.execute(delete(Undelivered).where(col(Undelivered.webhook_id) == replay.webhook_id, owed_no_more))


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
