"""`demands new-epoch`"""

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import typer
from sqlmodel import select

from app.cli.opening import opened
from app.ledger.models import Head
from app.settings import Settings

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command("new-epoch")
def new_epoch() -> None:
    """Tell readers that the history before was restored from a backup. Run it once after pg_restore.

    Those who follow the change feed may have seen changes that the backup does not have. In a new epoch their old
    cursors are answered with 410 and where to start again, never with silence.
    """
    with opened(Settings()) as database, database.write() as session:
        head = session.exec(select(Head).with_for_update()).one()
        head.epoch = uuid.uuid4().hex
    typer.echo(f"Epoch {head.epoch} begins at entry {head.seq}.", err=True)


def begin_in(file: Path) -> None:
    """The same in a SQLite file that nobody uses yet."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE ledger_head SET epoch = ?", (uuid.uuid4().hex,))
