"""Whom a person or a key works for."""

from sqlmodel import Session

from app.accounts.actions import ensure_organization
from app.accounts.roles import Role
from app.cli.opening import COMMAND_LINE
from app.fields import Audience


def ensure(session: Session, slug: str, role: Role) -> None:
    """Make the organisation when it is new.

    Staff assess in public, under its name; whom partners work for is for themselves to say.
    """
    audience = Audience.PUBLIC if role.is_staff else Audience.STAFF
    ensure_organization(session, COMMAND_LINE, slug, audience=audience)
    session.flush()
