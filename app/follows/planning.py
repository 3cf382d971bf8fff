"""Whom new events concern, of those who want changes at once: they are woken, and the others sleep on."""

import datetime

from sqlalchemy import case, select, update
from sqlmodel import Session, col

from app import clock
from app.database import settings_of
from app.follows.models import Follow, FollowKey, FollowPlan
from app.ledger.models import Event
from app.ledger.reading import head
from app.ledger.selecting import planning_keys

_EVENTS_AT_ONCE = 200
_FOLLOWS_AT_ONCE = 5_000


def plan(session: Session) -> bool:
    """Wake those whom the next events concern, or a chunk of them; tells whether there were events.

    Whoever is awake will read them in any case: nobody is put to sleep meanwhile who has not (`gathering.settle`).
    """
    progress = session.scalars(select(FollowPlan).with_for_update().execution_options(populate_existing=True)).one()
    until = min(head(session).seq, progress.seq + _EVENTS_AT_ONCE)
    if until <= progress.seq:
        return False
    events = select(col(Event.keys), col(Event.notice)).where(col(Event.seq) > progress.seq, col(Event.seq) <= until)
    keys = {key for keys, notice in session.execute(events) for key in planning_keys(keys, notice)}
    if _wake(session, keys, progress.seq, until) < _FOLLOWS_AT_ONCE:
        progress.seq = until
    return True


def planned_seq(session: Session) -> int:
    """How far the ledger was read for whom it wakes. Nobody plans any further before the transaction ends."""
    return session.scalars(select(col(FollowPlan.seq)).with_for_update(read=True)).one()


def _wake(session: Session, keys: set[str], planned: int, until: int) -> int:
    """Returns how many: a chunk of them at most."""
    concerned = select(col(FollowKey.follow_id)).where(col(FollowKey.match_key).in_(sorted(keys)))
    asleep = (col(Follow.id).in_(concerned), col(Follow.ready_at).is_(None), col(Follow.cursor_seq) < until)
    chunk = select(col(Follow.id)).where(*asleep).limit(_FOLLOWS_AT_ONCE)
    soon = clock.now() + datetime.timedelta(seconds=settings_of(session).follow_gather_seconds)
    wake = update(Follow).where(col(Follow.id).in_(chunk))
    wake = wake.values(
        # nothing up to here concerned whoever slept until now: it need not be read again
        cursor_seq=case((col(Follow.cursor_seq) < planned, planned), else_=Follow.cursor_seq),
        ready_at=case((col(Follow.rest_until) > soon, col(Follow.rest_until)), else_=soon),
    )
    return session.connection().execute(wake).rowcount
