"""Every test gets a real database, fresh and committed to, and the real app on it: once on SQLite, once on PostgreSQL.

A test that asks for `database`, `settings`, `app` or a client runs on both; `@on_postgresql` and `@on_sqlite` of
tests/databases.py keep it to one. Ada acts, Bob shares her organisation, Eve is a stranger.
"""

import datetime
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import anyio.from_thread
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app import clock
from app.accounts.actions import create_key, ensure_organization
from app.accounts.actor import system
from app.accounts.roles import Role
from app.accounts.schemas import KeyNew
from app.database import Database
from app.main import create_app
from app.settings import Settings
from tests import postgres
from tests.clients import Client
from tests.databases import KINDS, PostgreSQL, SQLite, Store, new_database
from tests.mail.mail_server import MailServer

SERVER = "DEMANDS_TEST_DATABASE_URL"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--storms", type=int, default=1, help="how many storms each test of webhooks/test_storms.py has")


def pytest_configure() -> None:
    for name in [name for name in os.environ if name.startswith("DEMANDS_") and name != SERVER]:
        del os.environ[name]  # the tests run on the defaults, whatever the developer's shell says


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != "test_storms.py")  # the longest, or all wait for them at the end


def pytest_collection_finish() -> None:
    gc.freeze()  # the tests and all that they import stay, and need not be searched for garbage again and again


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def app_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], tuple[Store, FastAPI]]]:
    """The app on a kind of database, put together the first time that a test needs it."""
    with ExitStack() as stack:

        def migrated(kind: str) -> Store:
            folder = tmp_path_factory.mktemp(kind)
            if kind == "sqlite":
                return SQLite(folder)
            server = os.environ.get(SERVER) or stack.enter_context(postgres.running())
            return PostgreSQL(folder, stack.enter_context(new_database(server)))

        @cache
        def app_on(kind: str) -> tuple[Store, FastAPI]:
            store = migrated(kind)
            app = create_app(store.settings)
            stack.callback(app.state.database.dispose)
            return store, app

        yield app_on


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """One event loop for all clients, instead of one for each request."""
    with anyio.from_thread.start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def app(kind: str, app_on: Callable[[str], tuple[Store, FastAPI]]) -> FastAPI:
    store, app = app_on(kind)
    store.empty(app.state.database)
    return app


@pytest.fixture
def database(app: FastAPI) -> Database:
    found: Database = app.state.database
    return found


@pytest.fixture
def settings(app: FastAPI) -> Settings:
    """To be copied with `settings.model_copy(update={…})` where a test needs others."""
    found: Settings = app.state.settings
    return found


ClientFor = Callable[..., TestClient]


@pytest.fixture
def client(app: FastAPI, portal: BlockingPortal) -> TestClient:
    """Nobody in particular."""
    return Client(app, portal)


@pytest.fixture
def client_for(app: FastAPI, database: Database, portal: BlockingPortal) -> ClientFor:
    """Makes clients with a key of their own: `client_for("campaigner")`, `client_for("partner", "eve-org")`."""

    def client_for(role: str, organization: str = "ada-org") -> TestClient:
        with database.write() as session:
            ensure_organization(session, system("tests"), organization)
            key = create_key(session, system("tests"), KeyNew(role=Role(role), organization=organization))
        return Client(app, portal, headers={"Authorization": f"Bearer {key.key}"})

    return client_for


@pytest.fixture
def ada(client_for: ClientFor) -> TestClient:
    return client_for("editor")


@pytest.fixture
def bob(client_for: ClientFor) -> TestClient:
    return client_for("editor")


@pytest.fixture
def eve(client_for: ClientFor) -> TestClient:
    return client_for("partner", "eve-org")


class MovableClock:
    """The real one, some time ahead."""

    def __init__(self) -> None:
        self.ahead = datetime.timedelta()
        self._real_now = clock.now

    def now(self) -> datetime.datetime:
        return self._real_now() + self.ahead

    def forward(self, **by: float) -> None:
        self.ahead += datetime.timedelta(**by)


@pytest.fixture
def time(monkeypatch):
    """`time.forward(hours=1)`."""
    movable = MovableClock()
    monkeypatch.setattr(clock, "now", movable.now)
    return movable


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server
