"""Mails that were sent or given up are kept for a while only."""

import datetime
from collections.abc import Callable

from sqlmodel import col

from app import clock
from app.database import Database
from app.forgetting import forget
from app.mail.models import Mail

KEPT = datetime.timedelta(days=30)


def forget_mails(database: Database, stopped: Callable[[], bool] = lambda: False) -> int:
    """Returns how many rows were dropped."""
    return forget(database, Mail, col(Mail.finished_at) < clock.now() - KEPT, stopped)
