"""`demands restore`"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from app.cli import new_epoch, progress
from app.cli.backup import copy, draft_of, key_to_keep
from app.cli.explaining import Refused
from app.cli.opening import COMMAND_LINE, connected, sqlite_file
from app.ledger.restoring import begin_epoch
from app.revisions import current_revision, newest_revision
from app.settings import Settings

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup made by `demands backup`.", exists=True, dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace a database that has something in it.")] = False,
) -> None:
    """Put a backup in the database's place. Stop `demands serve` first.

    The restored database gets a new epoch, so that those who follow the change feed learn that history was rolled
    back: their old cursors are answered with 410 and where to start again, and webhooks, streams and feeds get a
    `ledger.restored`.

    On PostgreSQL use pg_restore, then `demands new-epoch`.
    """
    settings = Settings()
    place = sqlite_file(settings)
    if place is None:
        raise Refused("This database is on PostgreSQL: use pg_restore, then `demands new-epoch`.")
    entries = _entries_in(file)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if place.exists():
        _must_be_free(place)
        if not force and _is_in_use(place):
            raise Refused(f"{place} has something in it. Back it up, then use --force to replace it.")
    with progress.bar("Restoring") as step, draft_of(place) as draft:
        copy(file, draft, step)
        new_epoch.begin_in(draft)
        for rest in ("-wal", "-shm"):  # of a damaged database: SQLite would write them into the restored one
            place.with_name(f"{place.name}{rest}").unlink(missing_ok=True)
    typer.echo(f"Restored {entries} entries of the ledger to {place}, in a new epoch.", err=True)
    typer.echo(f"Its secrets need the secret key of that time, as {key_to_keep(settings)}.", err=True)
    if _tell_followers(settings):
        typer.echo("Followers will be told. `demands verify` checks it.", err=True)
    else:
        typer.echo(
            "`demands migrate` brings it to this version's shape; then tell followers: `demands new-epoch`.", err=True
        )


def _tell_followers(settings: Settings) -> bool:
    """Whether that could be done: a backup of another version has no room for it yet."""
    with connected(settings) as database:
        if current_revision(database) != newest_revision():
            return False
        with database.write() as session:
            begin_epoch(session, COMMAND_LINE)
        return True


def _entries_in(file: Path) -> int:
    """Raises Refused where the file is no backup."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as backup:
            return int(backup.execute("SELECT seq FROM ledger_head").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError):
        raise Refused(f"{file} is no backup of a Demand Tracker.") from None


def _must_be_free(place: Path) -> None:
    """Leaving the write-ahead log needs the file to oneself; it also takes the log's files out of the way."""
    try:
        with closing(sqlite3.connect(place, timeout=1, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        raise Refused(f"{place} is being used; stop `demands serve` and `demands work` first.") from None
    except sqlite3.DatabaseError:
        return  # damaged: a reason to restore


def _is_in_use(place: Path) -> bool:
    try:
        return _entries_in(place) > 0
    except Refused:
        return place.stat().st_size > 0
