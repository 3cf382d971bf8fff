"""Rows that are past their time go a few at once, so that nobody waits long for them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, select, tuple_

from app.database import Database

CHUNK = 500  # rows in one transaction


def forget(database: Database, model: Any, old: Any, stopped: Callable[[], bool]) -> int:
    """All of a table that a condition finds, or what there is time for until it is to stop; returns how many rows."""
    forgotten, chunk = 0, CHUNK
    key = model.__table__.primary_key.columns
    some = delete(model).where(tuple_(*key).in_(select(*key).where(old).limit(CHUNK)))
    while chunk == CHUNK and not stopped():
        with database.write() as session:
            chunk = session.connection().execute(some).rowcount
        forgotten += chunk
    return forgotten
