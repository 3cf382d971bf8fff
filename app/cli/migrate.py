"""`demands migrate`"""

import typer

from app import migrating, revisions
from app.cli.opening import connected
from app.settings import Settings

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def migrate() -> None:
    """Make the database, or bring it to the newest shape.

    `demands serve` does this by itself on SQLite. On PostgreSQL run it before a new version starts: it can be
    repeated, and waits where another process is at it.
    """
    with connected(Settings()) as database:
        before = revisions.current_revision(database)
        migrating.migrate(database)
        after = revisions.current_revision(database)
    typer.echo("Nothing to migrate." if before == after else f"Migrated to {after}.", err=True)
