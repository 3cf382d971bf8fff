"""The log of attempts, and the replays that have ended, are kept for a while only; what was given up, for a year."""

import datetime
from typing import Any

from sqlalchemy import delete, select, tuple_
from sqlmodel import col

from app import clock
from app.database import Database
from app.settings import Settings
from app.tables import first_id
from app.webhooks.models import Attempt, Replay, ReplayState, Undelivered

UNDELIVERED_KEPT = datetime.timedelta(days=365)  # whatever the log has lost by then, it can be had again until then
CHUNK = 500  # rows in one transaction, so that nobody waits long for it


def forget_attempts(database: Database, settings: Settings) -> int:
    """Returns how many rows were dropped."""
    oldest = first_id(clock.now() - datetime.timedelta(days=settings.webhook_attempts_days))
    ended = (col(Replay.id) < oldest) & (col(Replay.state) != ReplayState.RUNNING)
    long_ago = col(Undelivered.set_aside_at) < clock.now() - UNDELIVERED_KEPT
    return (
        _forget(database, Attempt, col(Attempt.id) < oldest)
        + _forget(database, Replay, ended)
        + _forget(database, Undelivered, long_ago)
    )


def _forget(database: Database, model: Any, old: Any) -> int:
    forgotten, chunk = 0, CHUNK
    key = model.__table__.primary_key.columns
    while chunk == CHUNK:
        some = select(*key).where(old).limit(CHUNK)
        with database.write() as session:
            chunk = session.connection().execute(delete(model).where(tuple_(*key).in_(some))).rowcount
        forgotten += chunk
    return forgotten
