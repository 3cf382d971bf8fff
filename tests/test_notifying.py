"""What another process commits wakes whoever waits, without anybody having to look."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from app import notifying
from app.accounts.actor import system
from app.demands import recording
from app.demands.schemas import UpdateNew
from app.ledger import open_database
from app.notifying import CHANNEL, listening
from app.webhooks import delivering as loop
from tests.cli import commands
from tests.databases import on_postgresql
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, texts, wait_until
from tests.webhooks.receiver import Receiver

NEVER = 3600
LISTENERS = f"FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN {CHANNEL}'"

pytestmark = on_postgresql


@pytest.fixture(autouse=True)
def nobody_looks(monkeypatch):
    monkeypatch.setattr(loop, "LOOK_EVERY_SECONDS", NEVER)
    monkeypatch.setattr("app.changes.waiting.LOOK_EVERY_SECONDS", NEVER)


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def heard(database) -> Iterator[None]:
    """This process hears of what others commit."""
    with hearing(database):
        wait_until(lambda: listeners(database))
        yield


@contextmanager
def hearing(database):
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def listen():
        stop = asyncio.Event()
        async with listening(database):
            loops.append((asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    wait_until(lambda: loops)
    try:
        yield
    finally:
        [(running, stop)] = loops
        running.call_soon_threadsafe(stop.set)
        thread.join(10)


def listeners(database):
    with database.engine.connect() as connection:
        return connection.exec_driver_sql(f"SELECT pid {LISTENERS}").scalars().all()


def cut_off(database):
    with database.engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {LISTENERS}")


@contextmanager
def elsewhere(settings, staff):
    """Something to write notes with: a server of its own."""
    key = staff.headers["authorization"]
    with (
        commands.serving(**commands.of(settings)) as server,
        httpx2.Client(base_url=server.url, headers={"Authorization": key}, timeout=20, trust_env=False) as client,
    ):
        yield client


def test_a_worker_hears_of_what_a_server_committed(app, settings, ada, eve, receiver, heard):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])

    with elsewhere(settings, ada) as server, delivering(app):
        for number in range(3):
            note(server, demand["ref"], str(number))
            receiver.wait_for(number + 1)

    assert texts(receiver.requests) == ["0", "1", "2"]


def test_whoever_waits_for_the_feed_hears_of_it_too(app, settings, ada, client, heard):
    demand = a_demand(ada)
    start = client.get(f"{API}/events", params={"limit": 200}).json()["next_cursor"]

    with elsewhere(settings, ada) as server, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, f"{API}/events", params={"after": start, "wait": 30})
        wait_until(lambda: app.state.lookout.waiting)
        note(server, demand["ref"], "told")
        page = waiting.result(timeout=10).json()

    assert [item["type"] for item in page["items"]] == ["demand.update_added"]


def test_a_listener_that_was_cut_off_listens_again_and_misses_nothing(
    app, database, settings, ada, eve, receiver, heard, monkeypatch
):
    monkeypatch.setattr(notifying, "CONNECT_AGAIN_SECONDS", 0.05)
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    other = open_database(settings)  # tells only those who listen to the server

    with delivering(app):
        for number in range(3):
            cut_off(database)
            with other.write() as session:
                update = UpdateNew.model_validate({"text": str(number), "on": "2024-03-01"})
                recording.add_update(session, system("tests"), demand["ref"], update)
            receiver.wait_for(number + 1)
            wait_until(lambda: listeners(database))
    other.dispose()

    assert texts(receiver.requests) == ["0", "1", "2"]
