"""`demands new-epoch`"""

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import typer

from app.cli.opening import COMMAND_LINE, opened
from app.ledger.restoring import begin_epoch
from app.settings import Settings

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command("new-epoch")
def new_epoch() -> None:
    """Tell readers that the history before was restored from a backup. Run it once after pg_restore.

    Those who follow the change feed may have seen changes that the backup does not have. In a new epoch their old
    cursors are answered with 410 and where to start again, never with silence; webhooks, streams and feeds get a
    `ledger.restored`.
    """
    with opened(Settings()) as database, database.write() as session:
        restored = begin_epoch(session, COMMAND_LINE)
    typer.echo(f"Epoch {restored.epoch} begins after entry {restored.seq}.", err=True)


def begin_in(file: Path) -> None:
    """In a SQLite file that nobody uses yet, of whatever shape; nobody is told."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE ledger_head SET epoch = ?", (uuid.uuid4().hex,))
