"""The log of attempts, and the replays that have ended, are kept for a while only."""

import datetime
import uuid
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import col

from app import clock
from app.database import Database
from app.settings import Settings
from app.webhooks.models import Attempt, Replay, ReplayState

CHUNK = 500  # rows in one transaction, so that nobody waits long for it


def forget_attempts(database: Database, settings: Settings) -> int:
    """Returns how many rows were dropped."""
    oldest = _first_id(clock.now() - datetime.timedelta(days=settings.webhook_attempts_days))
    return _forget(database, Attempt, col(Attempt.id) < oldest) + _forget(
        database, Replay, (col(Replay.id) < oldest) & (col(Replay.state) != ReplayState.RUNNING)
    )


def _forget(database: Database, model: Any, old: Any) -> int:
    forgotten, chunk = 0, CHUNK
    while chunk == CHUNK:
        ids = select(model.id).where(old).limit(CHUNK)
        with database.write() as session:
            chunk = session.connection().execute(delete(model).where(model.id.in_(ids))).rowcount
        forgotten += chunk
    return forgotten


def _first_id(moment: datetime.datetime) -> uuid.UUID:
    """Lower than every UUIDv7 of that moment and after: they begin with the milliseconds since 1970 (RFC 9562)."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
