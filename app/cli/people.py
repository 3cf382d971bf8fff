"""`demands people`"""

import sys
import uuid
from collections.abc import Iterator
from typing import Annotated

import typer
from sqlmodel import Session, col, or_, select

from app.accounts.actions import create_person, revise_person
from app.accounts.models import Person
from app.accounts.queries import list_people
from app.accounts.roles import Role
from app.accounts.schemas import PersonNew, PersonRead, PersonRevision
from app.cli import listing, organizations
from app.cli.explaining import Refused, checked
from app.cli.opening import COMMAND_LINE, opened
from app.paging import MAX_LIMIT, PageQuery
from app.settings import Settings

COLUMNS = ("email", "name", "roles", "created_at", "disabled_at", "id")
Somebody = Annotated[str, typer.Argument(metavar="PERSON", help="The e-mail address, or the id.")]

cli = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Add the people whom keys belong to, list them, and end their access.",
)


@cli.command()
def create(
    email: Annotated[str, typer.Option(help="The person's address, by which other commands know them.")],
    name: Annotated[str, typer.Option(help="How the person is called; for staff only.")],
    organization: Annotated[str, typer.Option(metavar="SLUG", help="Whom the person works for; made when it is new.")],
    role: Annotated[Role, typer.Option(help="What the person may do there.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Give a password too, on standard input.")
    ] = False,
) -> None:
    """Add a person, or give one who is known a role in another organization. Prints the person's id.

    People work with keys: `demands keys create --person EMAIL` makes theirs. A password, of 12 characters or more, is
    only kept (as a hash): there is nothing to sign in to yet. Somebody who is known keeps theirs.
    """
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    new = checked(PersonNew, email=email, name=name, organization=organization, role=role, password=password)
    with opened(Settings()) as database, database.write() as session:
        organizations.ensure(session, organization, role)
        person = create_person(session, COMMAND_LINE, new)
    typer.echo(f"{person.email} is now {role.value} of {organization}.", err=True)
    typer.echo(person.id)


@cli.command("list")
def list_() -> None:
    """Show the people, newest first; as tab-separated lines where nobody is looking."""
    with opened(Settings()) as database, database.read() as session:
        people = _all(session)
    listing.show(COLUMNS, ([*_told(person)] for person in people))


@cli.command()
def disable(person: Somebody) -> None:
    """End somebody's access: their keys open nothing from now on. Again changes nothing.

    This also works on the last admin, which the API refuses; `demands keys create` makes another.
    """
    email = _set(person, disabled=True)
    typer.echo(f"The access of {email} has ended.", err=True)


@cli.command()
def enable(person: Somebody) -> None:
    """Give somebody's access back. Keys that were revoked stay revoked."""
    email = _set(person, disabled=False)
    typer.echo(f"{email} has access.", err=True)


def _set(named: str, disabled: bool) -> str:
    with opened(Settings()) as database, database.write() as session:
        found = _find(session, named)
        return revise_person(session, COMMAND_LINE, found.id, PersonRevision(disabled=disabled)).email


def _find(session: Session, named: str) -> Person:
    try:
        by_id = [col(Person.id) == uuid.UUID(named)]
    except ValueError:
        by_id = []
    found = session.exec(select(Person).where(or_(col(Person.email) == named.lower(), *by_id))).first()
    if found is None:
        raise Refused(f"There is no person {named}; `demands people list` shows them.")
    return found


def _all(session: Session) -> list[PersonRead]:
    page = list_people(session, PageQuery(limit=MAX_LIMIT))
    people = page.items
    while page.next_cursor:
        page = list_people(session, PageQuery(limit=MAX_LIMIT, cursor=page.next_cursor))
        people += page.items
    return people


def _told(person: PersonRead) -> Iterator[object]:
    roles = ", ".join(f"{membership.organization}:{membership.role}" for membership in person.memberships)
    for name in COLUMNS:
        yield (roles or None) if name == "roles" else getattr(person, name)
