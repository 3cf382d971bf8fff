"""Questions about organisations, people and keys."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import Table as SqlTable
from sqlalchemy import bindparam, exists, or_
from sqlmodel import Session, col, select

from app import clock
from app.accounts.actor import Actor
from app.accounts.audience import organizations_shown_to
from app.accounts.models import Key, Membership, Organization, Person
from app.accounts.roles import Role
from app.accounts.schemas import KeyRead, MembershipRead, OrganizationQuery, OrganizationRead, PersonRead
from app.accounts.secrets import PREFIX
from app.database import locked
from app.fields import Audience
from app.paging import Order, Page, PageQuery
from app.problems import NotFound, Place, known

KEY: SqlTable = Key.__table__  # type: ignore[attr-defined]  # set by SQLModel
PERSON: SqlTable = Person.__table__  # type: ignore[attr-defined]
_AUDIENCES = select(col(Organization.slug), col(Organization.audience)).where(
    col(Organization.slug).in_(bindparam("slugs", expanding=True))
)


def list_organizations(session: Session, actor: Actor, query: OrganizationQuery) -> Page[OrganizationRead]:
    order = Order([col(Organization.slug)])
    statement = select(Organization).where(organizations_shown_to(actor))
    if query.q:
        words = (col(Organization.name), col(Organization.slug))
        statement = statement.where(or_(*(word.icontains(query.q, autoescape=True) for word in words)))
    rows = session.execute(order.page(statement, query)).all()
    items = [organization_read(actor, row[0]) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def get_organization(session: Session, actor: Actor, slug: str, lock: bool = False) -> Organization:
    """The row itself, locked for a change if asked. Raises NotFound."""
    statement = select(Organization).where(Organization.slug == slug, organizations_shown_to(actor))
    if lock:
        statement = locked(statement)
    found = session.exec(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no organization {slug}.")
    return found


def organizations_named(session: Session, actor: Actor, slugs: Sequence[str], where: Place) -> list[Organization]:
    """In the order of the slugs; raises Invalid for one that is unknown, or not for the actor to see."""
    shown = select(Organization).where(col(Organization.slug).in_(slugs), organizations_shown_to(actor))
    return known({o.slug: o for o in session.exec(shown)}, slugs, "organization", where)


def audiences_of(session: Session, slugs: Collection[str]) -> dict[str, Audience]:
    """Who may see each of these organisations."""
    if not slugs:
        return {}
    rows = session.connection().execute(_AUDIENCES, {"slugs": list(slugs)})
    return {row.slug: row.audience for row in rows}


def list_keys(session: Session, query: PageQuery) -> Page[KeyRead]:
    order = Order([col(Key.id)], descending=True)
    statement = (
        select(Key, Organization.slug, Person.email)
        .join(Organization, col(Organization.id) == Key.organization_id)
        .outerjoin(Person, col(Person.id) == Key.person_id)
    )
    rows = session.execute(order.page(statement, query)).all()
    items = [key_read(*row[:3]) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def key_beginnings(session: Session, organization_id: uuid.UUID) -> dict[str, str]:
    """How each key of an organisation begins, by its id as events have it; of keys that were revoked, too."""
    keys = session.exec(select(Key.id, Key.prefix).where(Key.organization_id == organization_id))
    return {str(key_id): f"{PREFIX}_{prefix}" for key_id, prefix in keys}


def list_people(session: Session, query: PageQuery) -> Page[PersonRead]:
    order = Order([col(Person.id)], descending=True)
    rows = session.execute(order.page(select(Person), query)).all()
    people = [row[0] for row in rows[: query.limit]]
    memberships = _memberships(session, [person.id for person in people])
    items = [person_read(person, memberships.get(person.id, [])) for person in people]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def get_person(session: Session, person_id: uuid.UUID) -> PersonRead:
    """Raises NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound(f"There is no person {person_id}.")
    return person_read(person, _memberships(session, [person.id]).get(person.id, []))


def has_admin(session: Session) -> bool:
    """Whether anybody's key opens what admins may do, as far as the session has been flushed.

    By the tables: the first question to a model sets up the mappers, which would hold up the start of a server.
    """
    key, person = KEY.c, PERSON.c
    usable = (
        exists()
        .select_from(KEY.outerjoin(PERSON, person.id == key.person_id))
        .where(key.role == Role.ADMIN, key.revoked_at.is_(None), person.disabled_at.is_(None))
        .where(or_(key.expires_at.is_(None), key.expires_at > clock.now()))
    )
    return bool(session.connection().execute(usable.select()).scalar_one())


def may_be(session: Session, actor: Actor, identity: str) -> bool:
    """Whether the actor can be who goes by that identity: nobody knows whose hands a key that belongs to nobody is in.

    Two such keys count as two people, since editors cannot make keys.
    """
    if identity == actor.identity:
        return True
    try:
        key = uuid.UUID(identity)
    except ValueError:
        return False  # a part of the tracker itself
    return session.get(Key if actor.person_id else Person, key) is not None


def organization_read(actor: Actor, organization: Organization) -> OrganizationRead:
    """As the actor sees it: how far it reads is for staff."""
    reads = organization.reads if actor.is_staff else None
    return OrganizationRead(**organization.model_dump(exclude={"id", "reads"}), reads=reads)


def key_read(key: Key, organization: str, email: str | None) -> KeyRead:
    return KeyRead(**key.model_dump(exclude={"secret_sha256"}), organization=organization, person=email)


def person_read(person: Person, memberships: list[MembershipRead]) -> PersonRead:
    return PersonRead(**person.model_dump(exclude={"password_hash"}), memberships=memberships)


def _memberships(session: Session, people: list[uuid.UUID]) -> dict[uuid.UUID, list[MembershipRead]]:
    rows = session.exec(
        select(Membership, Organization.slug)
        .join(Organization, col(Organization.id) == Membership.organization_id)
        .where(col(Membership.person_id).in_(people))
        .order_by(col(Organization.slug))
    )
    found: dict[uuid.UUID, list[MembershipRead]] = {}
    for membership, slug in rows:
        found.setdefault(membership.person_id, []).append(MembershipRead(organization=slug, role=membership.role))
    return found
