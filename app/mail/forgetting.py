"""Mails that were sent or given up are kept for a while only."""

import datetime

from sqlalchemy import delete, select
from sqlmodel import col

from app import clock
from app.database import Database
from app.mail.models import Mail

KEPT = datetime.timedelta(days=30)
CHUNK = 500  # rows in one transaction, so that nobody waits long for it


def forget_mails(database: Database) -> int:
    """Returns how many rows were dropped."""
    old = select(col(Mail.id)).where(col(Mail.finished_at) < clock.now() - KEPT).limit(CHUNK)
    forgotten, chunk = 0, CHUNK
    while chunk == CHUNK:
        with database.write() as session:
            chunk = session.connection().execute(delete(Mail).where(col(Mail.id).in_(old))).rowcount
        forgotten += chunk
    return forgotten
