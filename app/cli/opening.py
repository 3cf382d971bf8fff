"""What commands stand on: a database that is there and has the newest shape, logs, and who acts."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from sqlalchemy import make_url
from sqlmodel import select

from app import revisions
from app.accounts.actor import system
from app.campaigns.models import Campaign
from app.cli.explaining import Refused
from app.database import Database
from app.ledger import open_database
from app.settings import Settings

COMMAND_LINE = system("command line")
MOST_FILES = 65_536  # where the system sets no limit


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Raises Refused where the database is missing or has another shape than this version needs."""
    file = sqlite_file(settings)
    if file and not file.exists():
        raise Refused(f"There is no database at {file} yet; `demands migrate` makes it.")
    with connected(settings) as database:
        must_be_migrated(database)
        yield database


@contextmanager
def connected(settings: Settings) -> Iterator[Database]:
    """The database, whatever its shape; on SQLite it is made when it is missing."""
    database = open_database(settings)
    try:
        yield database
    finally:
        database.dispose()


def must_be_migrated(database: Database) -> None:
    current = revisions.current_revision(database)
    if current != revisions.newest_revision():
        shape = "is not migrated" if current is None else f"has the shape {current}, which is not this version's"
        raise Refused(f"The database {shape}; run `demands migrate`.")


def is_empty(database: Database) -> bool:
    """Whether no campaign has begun."""
    with database.read() as session:
        return session.exec(select(Campaign)).first() is None


def sqlite_file(settings: Settings) -> Path | None:
    """None on PostgreSQL."""
    name = make_url(settings.url_of_database).database if settings.is_sqlite else None
    return Path(name) if name else None


def allow_many_connections() -> None:
    """As many as the system lets this process ask for: what it gives unasked, often 1,024, partners soon use up."""
    if sys.platform == "win32":
        return
    resource = import_module("resource")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if most == resource.RLIM_INFINITY else most
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def keep_logs(settings: Settings) -> None:
    """On standard error, in one line each; what other packages find worth telling only where it is a warning."""
    level = settings.log_level.upper()
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if settings.log_level != "debug":
        for chatty in ("uvicorn", "alembic", "httpx", "httpcore", "asyncio"):
            logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
