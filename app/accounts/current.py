"""From a request to an actor: `Authorization: Bearer …` (RFC 6750), or nobody in particular."""

import datetime
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlmodel import Session, col, select

from app import clock
from app.accounts.actor import ANONYMOUS, Actor
from app.accounts.models import Key, Organization, Person
from app.accounts.roles import Role
from app.accounts.secrets import KeyText
from app.database import Database
from app.fields import Audience
from app.problems import Unauthenticated

USE_IS_NOTED_EVERY = datetime.timedelta(minutes=10)

bearer = HTTPBearer(auto_error=False, description="A key, as `demands keys create` prints it once.")


def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


Db = Annotated[Database, Depends(get_database)]


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def current_key(credentials: Credentials) -> KeyText | None:
    return KeyText.parse(credentials.credentials) if credentials else None


CurrentKey = Annotated[KeyText | None, Depends(current_key)]


def current_actor(request: Request, database: Db, text: CurrentKey) -> Actor:
    """Raises Unauthenticated for a key that is wrong, expired or revoked: never quietly anonymous."""
    if "authorization" not in request.headers:
        return ANONYMOUS
    if text is None:
        raise Unauthenticated("The Authorization header must be `Bearer dt_…`.")
    with database.read() as session:
        actor, key = find_actor(session, text)
    if key.last_used_at is None or clock.now() - key.last_used_at > USE_IS_NOTED_EVERY:
        with suppress(OperationalError, QueueTimeout), database.write() as session:  # reading need not wait for it
            session.get_one(Key, key.id).last_used_at = clock.now()
    return actor


def find_actor(session: Session, text: KeyText) -> tuple[Actor, Key]:
    """Raises Unauthenticated."""
    found = session.exec(
        select(Key, Organization, Person)
        .join(Organization, col(Organization.id) == Key.organization_id)
        .outerjoin(Person, col(Person.id) == Key.person_id)
        .where(Key.prefix == text.prefix)
    ).one_or_none()
    if found is None or not text.matches(found[0].secret_sha256):
        raise Unauthenticated("This key is not known.")
    key, organization = found[:2]
    person = cast(Person | None, found[2])  # the outer join may find none
    if key.revoked_at:
        raise Unauthenticated("This key was revoked.")
    if key.expires_at and key.expires_at <= clock.now():
        raise Unauthenticated("This key has expired.")
    if person and person.disabled_at:
        raise Unauthenticated("This person's access has ended.")
    actor = Actor(
        role=key.role,
        audience=Audience.STAFF if key.role.is_staff else organization.reads,
        organization_id=organization.id,
        organization=organization.slug,
        person_id=key.person_id,
        key_id=key.id,
    )
    return actor, key


CurrentActor = Annotated[Actor, Depends(current_actor)]


@dataclass(frozen=True)
class AtLeast:
    """Lets in whoever has the role, or one that includes it."""

    role: Role

    def __call__(self, actor: CurrentActor) -> Actor:
        actor.must_be(self.role)
        return actor


CurrentPartner = Annotated[Actor, Depends(AtLeast(Role.PARTNER))]
CurrentCampaigner = Annotated[Actor, Depends(AtLeast(Role.CAMPAIGNER))]
CurrentEditor = Annotated[Actor, Depends(AtLeast(Role.EDITOR))]
CurrentAdmin = Annotated[Actor, Depends(AtLeast(Role.ADMIN))]
