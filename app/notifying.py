"""What one process commits wakes the others at once: NOTIFY and LISTEN of PostgreSQL.

Only a hint: whoever waits looks now and then anyway, so a listener that is lost, or a pooler that passes nothing on
(PgBouncer between transactions), costs time and nothing else. https://www.postgresql.org/docs/current/sql-notify.html
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

from sqlalchemy import make_url, text
from sqlmodel import Session

from app.database import Database, lively
from app.trouble import Trouble

CHANNEL = "demands_ledger"
CONNECT_AGAIN_SECONDS = 2.0


def notify(session: Session) -> None:
    """Tell the others when this transaction commits; if it does not, nobody hears of it."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {CHANNEL}"))


@contextlib.asynccontextmanager
async def listening(database: Database) -> AsyncIterator[None]:
    """While the block lasts, whoever waits for a commit of this process hears of those of others too."""
    if database.is_sqlite:
        yield
        return
    listener = asyncio.create_task(_listen_for_ever(database))
    try:
        yield
    finally:
        listener.cancel()
        await asyncio.wait([listener])


async def _listen_for_ever(database: Database) -> None:
    driver = import_module("psycopg")  # which SQLite need not have in memory
    trouble = Trouble(__name__, "Listening for what other processes commit")
    while True:
        try:
            await _listen(driver, database, trouble)
        except driver.Error as error:
            trouble.met_from_outside(error)
        await asyncio.sleep(CONNECT_AGAIN_SECONDS)


async def _listen(driver: Any, database: Database, trouble: Trouble) -> None:
    """On a connection of its own, until that is lost."""
    url = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with await driver.AsyncConnection.connect(url, autocommit=True, **lively(database.url)) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        trouble.over()
        database.tell()  # what was committed while nobody listened
        async for _ in connection.notifies():
            database.tell()
