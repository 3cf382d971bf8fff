"""The log of attempts, and the replays that have ended, are kept for a while only; what was given up, for a year."""

import datetime
from collections.abc import Callable

from sqlmodel import col

from app import clock
from app.database import Database
from app.forgetting import forget
from app.settings import Settings
from app.tables import first_id
from app.webhooks.models import Attempt, Replay, ReplayState, Undelivered

UNDELIVERED_KEPT = datetime.timedelta(days=365)  # whatever the log has lost by then, it can be had again until then


def forget_attempts(database: Database, settings: Settings, stopped: Callable[[], bool] = lambda: False) -> int:
    """Returns how many rows were dropped."""
    oldest = first_id(clock.now() - datetime.timedelta(days=settings.webhook_attempts_days))
    ended = (col(Replay.id) < oldest) & (col(Replay.state) != ReplayState.RUNNING)
    long_ago = col(Undelivered.set_aside_at) < clock.now() - UNDELIVERED_KEPT
    return (
        forget(database, Attempt, col(Attempt.id) < oldest, stopped)
        + forget(database, Replay, ended, stopped)
        + forget(database, Undelivered, long_ago, stopped)
    )
