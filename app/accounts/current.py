"""From a request to an actor: `Authorization: Bearer …` (RFC 6750), or nobody in particular.

Feed readers and calendars know users and passwords alone: from them a key is taken as the password (RFC 7617).
"""

import datetime
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.http import HTTPBase
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

CHALLENGES = 'Basic realm="demand-tracker", Bearer realm="demand-tracker"'  # some programs read the first alone

bearer = HTTPBearer(auto_error=False, description="A key, as `demands keys create` prints it once.")
basic = HTTPBase(
    scheme="basic", scheme_name="HTTPBasic", auto_error=False, description="A key as the password of any user."
)


def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


Db = Annotated[Database, Depends(get_database)]


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


async def current_key(credentials: Credentials) -> KeyText | None:
    return KeyText.parse(credentials.credentials) if credentials else None


async def readers_key(
    credentials: Credentials, basic: Annotated[HTTPAuthorizationCredentials | None, Depends(basic)]
) -> KeyText | None:
    if basic and basic.scheme.lower() == "basic":
        return KeyText.parse(_password(basic.credentials))
    return await current_key(credentials)


def _password(user_and_password: str) -> str:
    """Empty where there is none. FastAPI's own way refuses users whose names are not ASCII."""
    with suppress(ValueError):
        return b64decode(user_and_password).decode("latin-1").partition(":")[2]
    return ""


CurrentKey = Annotated[KeyText | None, Depends(current_key)]
ReadersKey = Annotated[KeyText | None, Depends(readers_key)]


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


def current_reader(request: Request, database: Db, text: ReadersKey) -> Actor:
    """Where feed readers and calendars ask, and are told that a password will do."""
    try:
        if text is None and "authorization" in request.headers:
            raise Unauthenticated("Send a key, `dt_…`, as the password of any user or as `Authorization: Bearer dt_…`.")
        return current_actor(request, database, text)
    except Unauthenticated as refusal:
        refusal.headers = {"WWW-Authenticate": CHALLENGES}
        raise


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
CurrentReader = Annotated[Actor, Depends(current_reader)]


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
