"""Who asked to follow and did not confirm is forgotten, with the address."""

from collections.abc import Callable

from sqlmodel import col

from app import clock
from app.database import Database
from app.follows.models import Follow
from app.follows.queries import CONFIRM_WITHIN
from app.forgetting import forget


def forget_unconfirmed(database: Database, stopped: Callable[[], bool] = lambda: False) -> int:
    """Returns how many."""
    old = col(Follow.confirmed_at).is_(None) & (col(Follow.created_at) < clock.now() - CONFIRM_WITHIN)
    return forget(database, Follow, old, stopped)
