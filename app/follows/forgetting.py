"""Who asked to follow and did not confirm is forgotten, with the address."""

from sqlalchemy import delete
from sqlmodel import col

from app import clock
from app.database import Database
from app.follows.models import Follow
from app.follows.queries import CONFIRM_WITHIN


def forget_unconfirmed(database: Database) -> int:
    """Returns how many."""
    old = col(Follow.created_at) < clock.now() - CONFIRM_WITHIN
    with database.write() as session:
        forgotten = delete(Follow).where(col(Follow.confirmed_at).is_(None), old)
        return session.connection().execute(forgotten).rowcount
