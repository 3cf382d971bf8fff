"""What fails again and again is told of, but does not fill the log."""

import logging
import re
import socketserver
import threading

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from app import trouble
from app.main import create_app
from app.trouble import Trouble
from app.webhooks import delivering
from tests.databases import on_postgresql
from tests.factories import API
from tests.test_worker import working
from tests.webhooks.deliveries import wait_until

LOCKED = OperationalError("SELECT 1", {}, Exception("database is locked"))


@pytest.fixture
def lines(caplog):
    """What was logged, each with whether a trace came with it."""
    caplog.set_level(logging.INFO, "app")
    return lambda: [(line.getMessage(), line.exc_info is not None) for line in caplog.records]


@pytest.fixture
def after(monkeypatch):
    """`after(seconds)` lets time pass."""
    passed = [0.0]
    monkeypatch.setattr(trouble, "monotonic", lambda: passed[0])

    def after(seconds):
        passed[0] += seconds

    return after


@pytest.fixture
def hangs_up():
    """A server that hangs up on whoever calls; tells its port, and how often it was called."""
    calls = []

    class HangUp(socketserver.BaseRequestHandler):
        def handle(self):
            calls.append(self.client_address)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1], calls
        server.shutdown()
        thread.join()


def test_it_is_told_when_it_begins_then_once_a_minute_and_when_it_is_over(lines, after):
    reading = Trouble("app.test", "Reading")

    for _ in range(90):
        reading.met_from_outside(LOCKED)
        after(1)
    reading.over()
    reading.over()

    assert lines() == [
        ("Reading failed: database is locked", False),
        ("Reading failed 61 times in 60 s: database is locked", False),
        ("Reading works again after 90 s; it had failed 90 times.", False),
    ]


def test_what_comes_and_goes_is_not_told_each_time(lines, after):
    reading = Trouble("app.test", "Reading")

    for _ in range(50):
        reading.met_from_outside(LOCKED)
        reading.over()
        after(1)

    assert len(lines()) == 2


def test_what_comes_back_and_stays_is_told_again(lines, after):
    reading = Trouble("app.test", "Reading")

    for _ in range(2):
        for _ in range(10):
            reading.met_from_outside(LOCKED)
            after(1)
        reading.over()

    assert [words.partition(":")[0] for words, _ in lines()] == [
        "Reading failed",
        "Reading works again after 10 s; it had failed 10 times.",
        "Reading failed 6 times in 5 s",
        "Reading works again after 10 s; it had failed 10 times.",
    ]


def test_each_kind_of_mistake_is_traced_once(lines):
    mailing = Trouble("app.test", "Mailing")

    for mistake in [KeyError, ValueError] * 3:
        with mailing:
            raise mistake

    assert lines() == [("Mailing failed: KeyError", True), ("Mailing failed 2 times in 0 s: ValueError", True)]


def test_a_mistake_that_comes_and_goes_is_traced_once_a_minute(lines, after):
    mailing = Trouble("app.test", "Mailing")

    for _ in range(90):
        with mailing:
            raise KeyError
        with mailing:
            after(1)

    assert [traced for _, traced in lines()] == [True, False, True, False]


@on_postgresql
def test_while_the_database_is_away_no_request_and_no_look_writes_a_line_of_its_own(
    settings, portal, hangs_up, lines, monkeypatch
):
    monkeypatch.setattr(delivering, "LOOK_EVERY_SECONDS", 0.01)
    port, calls = hangs_up
    app = create_app(settings.model_copy(update={"database_url": f"postgresql+psycopg://nobody@127.0.0.1:{port}/none"}))

    with working(app, portal):
        refused = [TestClient(app).get(f"{API}/kinds").status_code for _ in range(5)]
        wait_until(lambda: len(calls) > 30)
    app.state.database.dispose()

    assert set(refused) == {503}
    assert sorted(re.sub(" failed.*", "", words) for words, _ in lines()) == [
        "Reading the database",
        "Writing to the database",
    ]
    assert not any(traced for _, traced in lines())
