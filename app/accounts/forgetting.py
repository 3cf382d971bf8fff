"""Answers to idempotency keys are kept for a while only."""

import datetime
from collections.abc import Callable

from sqlmodel import col

from app import clock
from app.accounts.models import Answer
from app.database import Database
from app.forgetting import forget
from app.settings import Settings


def forget_answers(database: Database, settings: Settings, stopped: Callable[[], bool] = lambda: False) -> int:
    """Returns how many."""
    before = clock.now() - datetime.timedelta(hours=settings.idempotency_hours)
    return forget(database, Answer, col(Answer.created_at) < before, stopped)
