"""Who asked to follow and did not confirm is forgotten, with the address; so is an address that is there no more."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Callable

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock
from app.database import Database
from app.follows.actions import about, end_all
from app.follows.models import Follow
from app.follows.queries import CONFIRM_WITHIN
from app.forgetting import forget
from app.mail import outbox

REFUSED_ON_DAYS = 3  # different ones


def forget_unconfirmed(database: Database, stopped: Callable[[], bool] = lambda: False) -> int:
    """Returns how many."""
    old = col(Follow.confirmed_at).is_(None) & (col(Follow.created_at) < clock.now() - CONFIRM_WITHIN)
    return forget(database, Follow, old, stopped)


def forget_unreachable(database: Database, stopped: Callable[[], bool] = lambda: False) -> None:
    """Addresses that nobody has any more."""
    with database.read() as session:
        unreachable = _unreachable(session)
    for follow_id in unreachable:
        if stopped():
            return
        with database.write() as session:
            end_all(session, follow_id)


def _unreachable(session: Session) -> list[uuid.UUID]:
    """One follow of each address that took no mail on that many days, while others took theirs.

    If nobody did, it may be us whom the server refuses.
    """
    refused: dict[str, list[datetime.datetime]] = defaultdict(list)
    for subject, at in outbox.without_recipient(session):
        kind, _, follow_id = subject.partition(":")
        follow = session.get(Follow, uuid.UUID(follow_id)) if kind == "follow" else None
        if follow:
            refused[follow.address_stamp].append(at)
    taken = outbox.last_sent(session)
    found = []
    for stamp, moments in refused.items():
        follows = session.scalars(select(col(Follow.id)).where(col(Follow.address_stamp) == stamp)).all()
        taken_last = outbox.last_sent(session, [about(follow_id) for follow_id in follows])
        since = [at for at in moments if taken_last is None or at > taken_last]
        if len({at.date() for at in since}) >= REFUSED_ON_DAYS and taken and taken > min(since):
            found.append(follows[0])
    return found
