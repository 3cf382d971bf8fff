"""`demands seed`"""

from pathlib import Path
from typing import Annotated

import typer

from app import seeding
from app.cli import progress
from app.cli.explaining import Refused
from app.cli.opening import opened
from app.settings import Settings

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def seed(
    folder: Annotated[
        Path, typer.Option(help="The campaign's data files.", exists=True, file_okay=False, show_default=False)
    ] = seeding.FIRST_CAMPAIGN,
) -> None:
    """Load a campaign from data files: the first campaign, Nagorno-Karabakh, unless told otherwise.

    Loading it again changes nothing.
    """
    with opened(Settings()) as database, progress.bar("Loading the campaign") as step:
        try:
            loaded = seeding.load(database, folder, step)
        except seeding.BadData as error:
            raise Refused(f"{error} Nothing was loaded.") from error
    told = f"Loaded {loaded.demands} demands of" if loaded.demands else "There already, so nothing was changed:"
    typer.echo(f"{told} {loaded.campaign}.", err=True)
