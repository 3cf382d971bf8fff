"""`demands doctor`"""

import typer
from rich.console import Console
from rich.text import Text

from app.cli.examining import Level, examine
from app.settings import Settings

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def doctor() -> None:
    """Check settings, database, clock and ledger, and say how to mend them.

    Changes nothing, and can run while serving. Exits with 1 if something failed; a warning is no failure.
    """
    console = Console(soft_wrap=True, highlight=False)
    failed = 0
    for finding in examine(Settings()):
        console.print(
            Text(f"{finding.level.value:5}", STYLES[finding.level]) + Text(f"{finding.about}: {finding.what}")
        )
        if finding.mend:
            console.print(Text(f"      {finding.mend}"))
        failed += finding.level is Level.FAIL
    raise typer.Exit(1 if failed else 0)
