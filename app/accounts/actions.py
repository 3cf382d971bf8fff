"""Verbs that change organisations, people and keys."""

import uuid
from typing import Any

from sqlmodel import Session, col, select

from app import clock, etags, ledger
from app.accounts.actor import Actor
from app.accounts.models import Key, Membership, Organization, Person
from app.accounts.queries import get_organization, get_person, has_admin, key_read, organization_read
from app.accounts.roles import Role
from app.accounts.schemas import (
    KeyMade,
    KeyNew,
    OrganizationNew,
    OrganizationRead,
    OrganizationRevision,
    PersonNew,
    PersonRead,
    PersonRevision,
)
from app.accounts.secrets import KeyText, hash_password
from app.database import locked, serialize
from app.fields import Audience
from app.ledger import things
from app.problems import Conflict, Forbidden, NotFound, invalid


class LastAdmin(Conflict):
    """Nobody could manage the tracker any more"""

    type = "last-admin"
    remedy = "Make another admin's key first, or do it on the machine with `demands`."


def create_organization(session: Session, actor: Actor, new: OrganizationNew) -> OrganizationRead:
    """Raises Conflict where the slug is taken; how far it reads is for an admin to say."""
    if new.reads is not OrganizationNew.model_fields["reads"].default:
        actor.must_be(Role.ADMIN)
    if session.exec(select(Organization).where(Organization.slug == new.slug)).first():
        raise Conflict(f"There is an organization {new.slug} already.")
    organization = Organization.model_validate(new.model_dump())
    session.add(organization)
    _record(session, actor, "organization.created", organization)
    return organization_read(actor, organization)


def revise_organization(
    session: Session, actor: Actor, slug: str, revision: OrganizationRevision, if_match: str | None
) -> OrganizationRead:
    """Raises Forbidden where others would see it and the actor is no editor, or it would read otherwise and they are no
    admin.
    """
    organization = get_organization(session, actor, slug, lock=True)
    etags.check(if_match, organization.version)
    changes = revision.model_dump()
    if "reads" in changes and changes["reads"] is not organization.reads:
        actor.must_be(Role.ADMIN)
    was = organization.model_dump()
    before = organization.audience
    if changes.get("audience", before) is not before:
        actor.must_be(Role.EDITOR)
    organization.sqlmodel_update(changes)
    if organization.model_dump() == was:
        return organization_read(actor, organization)
    if organization.audience.is_narrower_than(before):
        things.record_withdrawal(session, actor, "organization", organization, before)
    changed = [name for name, value in organization.model_dump().items() if value != was[name]]
    return revised(session, actor, organization, audience=Audience.STAFF if changed == ["reads"] else None)


def revised(
    session: Session,
    actor: Actor,
    organization: Organization,
    type: str = "organization.revised",
    audience: Audience | None = None,
) -> OrganizationRead:
    """Let those who see the organisation, or of them a narrower audience, know that it was changed."""
    organization.touch()
    _record(session, actor, type, organization, audience)
    return organization_read(actor, organization)


def create_key(session: Session, actor: Actor, new: KeyNew) -> KeyMade:
    """Raises Invalid for an unknown organisation or person, for more than the person may do, or an expiry that has
    passed.
    """
    if new.expires_at and new.expires_at <= clock.now():
        raise invalid("body.expires_at", "this moment has passed")
    organization = _organization_named(session, new.organization)
    person = _person_in(session, new.person, organization, new.role) if new.person else None
    text = KeyText.new()
    key = Key(
        prefix=text.prefix,
        secret_sha256=text.digest,
        label=new.label,
        role=new.role,
        organization_id=organization.id,
        person_id=person.id if person else None,
        expires_at=new.expires_at,
    )
    session.add(key)
    _record_key(session, actor, "key.created", key, organization)
    return KeyMade(**key_read(key, organization.slug, person.email if person else None).model_dump(), key=str(text))


def revoke_key(session: Session, actor: Actor, key_id: uuid.UUID) -> None:
    """Ends a key for good; revoking it again changes nothing. Raises NotFound, LastAdmin."""
    key = session.get(Key, key_id, with_for_update=True)
    if key is None:
        raise NotFound(f"There is no key {key_id}.")
    if key.revoked_at:
        return
    _revoke(session, actor, key)
    _keep_an_admin(session, actor)


def create_person(session: Session, actor: Actor, new: PersonNew) -> PersonRead:
    """Add a person, or give one who is known a role in another organisation.

    Raises Conflict where they have a role in this organisation already, Invalid where it is unknown.
    """
    organization = _organization_named(session, new.organization)
    email = new.email.lower()
    person = session.exec(select(Person).where(Person.email == email)).one_or_none()
    if person is None:
        password_hash = hash_password(new.password) if new.password else None
        person = Person(email=email, name=new.name, password_hash=password_hash)
        session.add(person)
    elif session.get(Membership, (person.id, organization.id)):
        raise Conflict(f"{email} has a role in {organization.slug} already.")
    session.flush()
    session.add(Membership(person_id=person.id, organization_id=organization.id, role=new.role))
    session.flush()
    _record_person(session, actor, "person.joined", person, organization=organization.slug, role=new.role)
    return get_person(session, person.id)


def revise_person(session: Session, actor: Actor, person_id: uuid.UUID, revision: PersonRevision) -> PersonRead:
    """End somebody's access, or give it back: the keys of a person who is disabled open nothing.

    Raises NotFound, LastAdmin.
    """
    person = _locked_person(session, person_id)
    wanted = revision.model_dump().get("disabled")
    if wanted is not None and wanted != (person.disabled_at is not None):
        person.disabled_at = clock.now() if wanted else None
        _record_person(session, actor, "person.disabled" if wanted else "person.enabled", person)
        _keep_an_admin(session, actor)
    return get_person(session, person.id)


def leave_organization(session: Session, actor: Actor, person_id: uuid.UUID, slug: str) -> None:
    """Takes a person's role in the organisation away, and revokes the keys that they have there.

    Raises NotFound, LastAdmin.
    """
    person = _locked_person(session, person_id)
    organization = session.exec(select(Organization).where(Organization.slug == slug)).one_or_none()
    membership = session.get(Membership, (person.id, organization.id)) if organization else None
    if organization is None or membership is None:
        raise NotFound(f"{person.email} has no role in {slug}.")
    session.delete(membership)
    of_theirs = (Key.person_id == person.id, Key.organization_id == organization.id, col(Key.revoked_at).is_(None))
    for key in session.exec(locked(select(Key).where(*of_theirs))):
        _revoke(session, actor, key)
    _record_person(session, actor, "person.left", person, organization=slug)
    _keep_an_admin(session, actor)


def ensure_organization(session: Session, actor: Actor, slug: str, **values: Any) -> Organization:
    """The organisation with this slug, made when it is new."""
    found = session.exec(select(Organization).where(Organization.slug == slug)).one_or_none()
    if found is None:
        create_organization(session, actor, OrganizationNew(slug=slug, **{"name": slug, **values}))
        found = session.exec(select(Organization).where(Organization.slug == slug)).one()
    return found


def _organization_named(session: Session, slug: str) -> Organization:
    found = session.exec(select(Organization).where(Organization.slug == slug)).one_or_none()
    if found is None:
        raise invalid("body.organization", f"there is no organization {slug}")
    return found


def _person_in(session: Session, email: str, organization: Organization, role: Role) -> Person:
    person = session.exec(select(Person).where(Person.email == email.lower())).one_or_none()
    membership = session.get(Membership, (person.id, organization.id)) if person else None
    if person is None or membership is None:
        raise invalid("body.person", f"{email} is not in {organization.slug}; add them first")
    if not membership.role.includes(role):
        raise invalid("body.role", f"{email} is {membership.role} of {organization.slug}; no key of theirs can be more")
    if person.disabled_at:
        raise Forbidden(f"The access of {email} has ended.")
    return person


def _locked_person(session: Session, person_id: uuid.UUID) -> Person:
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound(f"There is no person {person_id}.")
    return person


def _revoke(session: Session, actor: Actor, key: Key) -> None:
    key.revoked_at = clock.now()
    _record_key(session, actor, "key.revoked", key, session.get_one(Organization, key.organization_id))


def _keep_an_admin(session: Session, actor: Actor) -> None:
    """Nobody locks everyone out from afar; who runs commands on the machine can always make another key."""
    if actor.key_id is None:
        return
    serialize(session, "admins")
    session.flush()
    if not has_admin(session):
        raise LastAdmin(
            "No key with the role admin would be left. Make another first, or do it on the machine with `demands`."
        )


def _record(
    session: Session, actor: Actor, type: str, organization: Organization, audience: Audience | None = None
) -> None:
    reader = Actor(role=None, audience=organization.audience)
    data = organization_read(reader, organization).model_dump(mode="json")
    things.record_of(session, actor, type, organization, data, audience)


def _record_key(session: Session, actor: Actor, type: str, key: Key, organization: Organization) -> None:
    about = ledger.About(keys=[f"organization:{organization.slug}"])
    data = {"id": str(key.id), "prefix": key.prefix, "role": key.role, "organization": organization.slug}
    ledger.record(session, actor, type, about, audience=Audience.STAFF, key=data)


def _record_person(session: Session, actor: Actor, type: str, person: Person, **data: str) -> None:
    """By id only: what else is known of a person stays out of the ledger."""
    about = ledger.About(keys=[f"organization:{data['organization']}"] if "organization" in data else [])
    ledger.record(session, actor, type, about, audience=Audience.STAFF, person={"id": str(person.id), **data})
