"""`demands follows`"""

from typing import Annotated

import typer
from pydantic import validate_email

from app.cli.opening import opened
from app.follows.actions import erase_address
from app.settings import Settings
from app.vault import open_vault

cli = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@cli.callback()
def follows() -> None:
    """Erase an address that follows by e-mail."""


def _as_stored(address: str) -> str:
    """In the one spelling of its domain by which it is known here."""
    return validate_email(address)[1]


@cli.command()
def erase(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", parser=_as_stored, help="The e-mail address of who asks for it.")
    ],
) -> None:
    """End all that an address follows, and all that waits for its confirmation, and erase the address.

    Everybody can do that by the link in each mail; this is for who has none.
    """
    settings = Settings()
    with opened(settings) as database, database.write() as session:
        ended = erase_address(session, open_vault(settings), address)
    typer.echo(f"{ended} follows were ended." if ended else "Nothing is followed by this address.", err=True)
