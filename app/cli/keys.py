"""`demands keys`"""

import datetime
import uuid
from typing import Annotated

import typer
from sqlmodel import Session, col, or_, select

from app import clock
from app.accounts.actions import create_key, revoke_key
from app.accounts.models import Key
from app.accounts.queries import list_keys
from app.accounts.roles import Role
from app.accounts.schemas import KeyNew, KeyRead
from app.cli import listing, organizations
from app.cli.explaining import Refused, checked
from app.cli.opening import COMMAND_LINE, opened
from app.paging import MAX_LIMIT, PageQuery
from app.settings import Settings

COLUMNS = ("prefix", "role", "organization", "label", "created_at", "expires_at", "revoked_at", "last_used_at")

cli = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="Create, list and revoke API keys."
)


@cli.command()
def create(
    role: Annotated[Role, typer.Option(help="What the key may do; each role includes the ones before it.")],
    organization: Annotated[
        str, typer.Option(metavar="SLUG", help="Whose key it is; the organization is made when it is new.")
    ],
    person: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="Who uses it, so that all keys of one person count as one editor."),
    ] = None,
    label: Annotated[str | None, typer.Option(help="What the key is for, to tell it from others.")] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Never, unless given.")] = None,
) -> None:
    """Make a key and print it, this once, on standard output.

    Clients send it as `Authorization: Bearer KEY`. The roles are viewer, partner, campaigner, editor and admin.
    """
    expires_at = clock.now() + datetime.timedelta(days=expires_in_days) if expires_in_days else None
    new = checked(KeyNew, role=role, organization=organization, person=person, label=label, expires_at=expires_at)
    with opened(Settings()) as database, database.write() as session:
        organizations.ensure(session, organization, role)
        made = create_key(session, COMMAND_LINE, new)
    until = f", until {made.expires_at:%Y-%m-%d}" if made.expires_at else ""
    typer.echo(f"A key with the role {role.value} of {organization}{until}. It is shown only now:", err=True)
    typer.echo(made.key)


@cli.command("list")
def list_() -> None:
    """Show the keys, newest first, without their secrets; as tab-separated lines where nobody is looking."""
    with opened(Settings()) as database, database.read() as session:
        keys = _all(session)
    listing.show(COLUMNS, ([getattr(key, name) for name in COLUMNS] for key in keys))


@cli.command()
def revoke(key: Annotated[str, typer.Argument(help="Its prefix, as the list shows it, or its id.")]) -> None:
    """End a key for good. Revoking it again changes nothing."""
    with opened(Settings()) as database, database.write() as session:
        found = _find(session, key)
        revoke_key(session, COMMAND_LINE, found.id)
    typer.echo(f"The key {found.prefix} is revoked.", err=True)


def _all(session: Session) -> list[KeyRead]:
    query = PageQuery(limit=MAX_LIMIT)
    page = list_keys(session, query)
    keys = page.items
    while page.next_cursor:
        page = list_keys(session, PageQuery(limit=MAX_LIMIT, cursor=page.next_cursor))
        keys += page.items
    return keys


def _find(session: Session, named: str) -> Key:
    """By prefix or id; whoever pastes the whole key means it too."""
    parts = named.split("_")
    prefix = parts[1] if len(parts) == 3 else named
    try:
        by_id = [col(Key.id) == uuid.UUID(named)]
    except ValueError:
        by_id = []
    found = session.exec(select(Key).where(or_(col(Key.prefix) == prefix, *by_id))).first()
    if found is None:
        raise Refused(f"There is no key {prefix}; `demands keys list` shows them.")
    return found
