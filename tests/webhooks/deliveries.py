"""A worker that delivers while a block lasts, and what to look at afterwards."""

import asyncio
import datetime
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlmodel import SQLModel

from app.database import Database
from app.settings import Settings
from app.webhooks.delivering import Deliverer
from app.webhooks.outlook import outlook
from tests.factories import made
from tests.webhooks.receiver import Received

Row = Any
LEASE = datetime.timedelta(seconds=Settings.model_fields["webhook_lease_seconds"].default)


@contextmanager
def delivering(app: FastAPI, **settings: Any) -> Iterator[Deliverer]:
    """A worker on the app's database. After the block, all that was due was tried, and what came back noted."""
    deliverer = Deliverer(
        app.state.database,
        app.state.vault,
        app.state.settings.model_copy(update={"base_url": "http://test", **settings}),
    )
    started: threading.Event = threading.Event()
    ending: list[Any] = []

    async def work() -> None:
        stop = asyncio.Event()
        ending.extend([asyncio.get_running_loop(), stop])
        started.set()
        await deliverer.run(stop)

    worker = threading.Thread(target=lambda: asyncio.run(work()), name="worker")
    worker.start()
    try:
        assert started.wait(10)
        yield deliverer
        wait_until(lambda: _nothing_is_due(app.state.database))
    finally:
        loop, stop = ending
        loop.call_soon_threadsafe(stop.set)
        worker.join(30)
        assert not worker.is_alive()


def a_webhook(client: TestClient, url: str, **values: Any) -> dict[str, Any]:
    """With its secret."""
    return made(client, "webhooks", {"url": url, **values})


def note(client: TestClient, ref: str, text: str = "Talks went on.") -> dict[str, Any]:
    """One event, `demand.update_added`."""
    return made(client, f"demands/{ref}/updates", {"text": text, "on": "2024-03-01"})


def texts(requests: Iterable[Received], path: str | None = None) -> list[str]:
    """Of the notes that were sent."""
    messages = [json.loads(request.body) for request in requests if path in (None, request.path)]
    return [message["data"]["update"]["text"] for message in messages]


def rows(database: Database, model: type[SQLModel]) -> list[Row]:
    """In the order of their keys."""
    table: Any = model
    with database.read() as session:
        return list(session.scalars(select(table).order_by(*table.__table__.primary_key)))


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """For what shows nowhere but in the database."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "It did not come about."
        time.sleep(0.02)


def _nothing_is_due(database: Database) -> bool:
    with database.read() as session:
        ahead = outlook(session)
    return not ahead.unplanned and not ahead.due
