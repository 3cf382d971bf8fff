"""What a server needs once: a database in its newest shape and, for a demo, the first campaign in it."""

import sys

import typer

from app import revisions, seeding
from app.cli import progress
from app.cli.explaining import explained
from app.cli.opening import connected, is_empty
from app.migrating import migrate
from app.settings import Settings


def prepare(settings: Settings, demo: bool) -> None:
    """In a process of its own: it ends with the exit code of a command, and tells errors as commands do."""
    try:
        _prepare(settings, demo)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        explanation = explained(error)
        if explanation is None:
            raise
        typer.echo(f"demands: {explanation}", err=True)
        sys.exit(1)


def _prepare(settings: Settings, demo: bool) -> None:
    with connected(settings) as database:
        if revisions.current_revision(database) != revisions.newest_revision():
            migrate(database)
        if demo and is_empty(database):
            with progress.bar("Loading the first campaign") as step:
                seeding.load(database, progress=step)
