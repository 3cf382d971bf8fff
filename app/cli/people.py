"""`demands people`"""

import sys
from typing import Annotated

import typer

from app.accounts.actions import create_person, ensure_organization
from app.accounts.roles import Role
from app.accounts.schemas import OrganizationNew, PersonNew
from app.cli.explaining import checked
from app.cli.opening import COMMAND_LINE, opened
from app.settings import Settings

cli = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True)


@cli.callback()
def people() -> None:
    """Add people who sign in."""


@cli.command()
def create(
    email: Annotated[str, typer.Option(help="What the person signs in with.")],
    name: Annotated[str, typer.Option(help="How the person is called; for staff only.")],
    organization: Annotated[str, typer.Option(metavar="SLUG", help="Whom the person works for; made when it is new.")],
    role: Annotated[Role, typer.Option(help="What the person may do there.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person, or give one who is known a role in another organisation. Prints the person's id.

    The password is asked for without showing it; it has 12 characters or more. Somebody who is known keeps theirs.
    """
    new = checked(
        PersonNew, email=email, name=name, organization=organization, role=role, password=_password(password_stdin)
    )
    checked(OrganizationNew, slug=organization, name=organization)
    with opened(Settings()) as database, database.write() as session:
        ensure_organization(session, COMMAND_LINE, organization)
        session.flush()
        person = create_person(session, COMMAND_LINE, new)
    typer.echo(f"{person.email} is now {role.value} of {organization}.", err=True)
    typer.echo(person.id)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask for the password; use --password-stdin")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked
