"""Databases for the tests: migrated once, and as fresh as after the migration for every test."""

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import Connection, create_engine, delete, insert, make_url, select, text, update

from app.database import Database
from app.ledger import open_database
from app.ledger.models import Head
from app.migrating import migrate
from app.models import metadata
from app.settings import Settings

KINDS = ("sqlite", "postgresql")
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("kind", ["postgresql"], indirect=True)


class Store(Protocol):
    """Somewhere that the app can be started on."""

    settings: Settings

    def empty(self, database: Database) -> None:
        """Bring the rows back to what they were after the migration; `database` is what the app has open there."""


class SQLite:
    def __init__(self, folder: Path) -> None:
        self.settings = _settings(folder)
        self._migrated = folder / "migrated.sqlite3"
        database = open_database(self.settings)
        migrate(database)
        database.dispose()
        self._file = Path(make_url(self.settings.url_of_database).database or "")
        self._file.chmod(0o600)
        shutil.copy(self._file, self._migrated)

    def empty(self, database: Database) -> None:
        database.dispose()  # the last test may have put another file in its place
        with closing(sqlite3.connect(self._migrated)) as migrated, closing(sqlite3.connect(self._file)) as now:
            now.execute("PRAGMA synchronous=OFF")
            migrated.backup(now)  # whoever still reads what the last test left does so undisturbed
        with database.engine.begin() as connection:
            _begin_an_epoch(connection)


class PostgreSQL:
    def __init__(self, folder: Path, url: str) -> None:
        self.settings = _settings(folder, database_url=url)
        database = open_database(self.settings)
        migrate(database)
        with database.engine.connect() as connection:
            contents = {table: [*connection.execute(select(table)).mappings()] for table in metadata.sorted_tables}
        database.dispose()
        self._migrated = {table: rows for table, rows in contents.items() if rows}
        # at once; TRUNCATE takes forty times as long where rows are few
        self._empty = "; ".join(str(delete(table)) for table in metadata.sorted_tables)

    def empty(self, database: Database) -> None:
        with database.engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))  # for rows that the last test holds on to
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # past foreign keys and triggers
            connection.exec_driver_sql(self._empty)
            for table, rows in self._migrated.items():
                connection.execute(insert(table), [dict(row) for row in rows])
            _begin_an_epoch(connection)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """A database of its own on the server, gone after the block; gives its URL."""
    name = f"demands_test_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def _settings(folder: Path, **values: Any) -> Settings:
    """As by default, except that webhooks may reach receivers on this machine, and mail goes to a server on it."""
    return Settings(
        _env_file=None,
        data_dir=folder / "data",
        webhook_allow_networks=(ip_network("127.0.0.0/8"),),
        smtp_url="smtp://127.0.0.1:1",  # nobody listens there; tests that read mails have a server of their own
        mail_from="Demand Tracker <follow@tracker.example>",
        **values,
    )


def _begin_an_epoch(connection: Connection) -> None:
    """So that nothing that the app remembers of the last test, by the ledger's head, is taken for this one's."""
    connection.execute(update(Head).values(epoch=uuid.uuid4().hex))
