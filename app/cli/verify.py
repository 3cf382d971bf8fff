"""`demands verify`"""

import typer

from app import models
from app.cli import progress
from app.cli.opening import opened
from app.ledger.verifying import verify as verify_ledger
from app.settings import Settings

SHOWN = 20

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def verify() -> None:
    """Check the ledger's chain, and that its events give today's tables.

    Every entry must follow from the one before, byte for byte, up to the head; and the events, applied to nothing,
    must give every row that is there today. It reads one snapshot, so it can run while serving.

    Exits with 1 if there is a problem, and tells the first 20 on standard output.
    """
    with opened(Settings()) as database, progress.bar("Verifying") as step:
        result = verify_ledger(database, models.ledgered_tables(), step)
    for problem in result.problems[:SHOWN]:
        typer.echo(problem)
    if result.found > SHOWN:
        typer.echo(f"… and {result.found - SHOWN} more")
    looked = f"{result.entries} entries ({result.erased} of them erased) and {result.rows} rows"
    typer.echo(f"{looked}: {f'{result.found} problems' if result.found else 'all is as it was recorded'}.", err=True)
    raise typer.Exit(1 if result.found else 0)
