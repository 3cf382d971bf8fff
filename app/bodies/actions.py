"""Verbs that change bodies. Everyone may see them."""

from collections.abc import Mapping, Set

from sqlalchemy import select
from sqlmodel import Session, col

from app import etags, ledger
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.bodies.models import Body, BodyIdentifier
from app.bodies.queries import ancestry, bodies_named, facts_of, get_body, succession
from app.bodies.schemas import BodyNew, BodyRevision
from app.database import serialize
from app.fields import Audience, merged
from app.problems import Conflict

PLACES = ("parent", "successor")


class Cycle(Conflict):
    """A body cannot stand above itself, or come after itself"""

    type = "cycle"
    remedy = "`path` shows the circle; give one of the bodies in it another `parent` or successor first."


def create_body(session: Session, actor: Actor, new: BodyNew) -> Body:
    """Raises Conflict where the slug or an identifier is taken, Invalid for an unknown parent or successor."""
    actor.must_be(Role.CAMPAIGNER)
    if session.scalars(select(Body).where(col(Body.slug) == new.slug)).first():
        raise Conflict(f"There is a body {new.slug} already.")
    body = Body.model_validate(new.model_dump(exclude={"parent", "successor", "identifiers"}))
    _place(session, body, {"parent": new.parent, "successor": new.successor})
    session.add(body)
    session.flush()
    _identify(session, body, new.identifiers)
    _record(session, actor, "body.created", body, above=set())
    return body


def revise_body(session: Session, actor: Actor, slug: str, revision: BodyRevision, if_match: str | None) -> Body:
    """Raises Cycle, Conflict for an identifier that is taken, Invalid for an unknown parent or successor."""
    actor.must_be(Role.CAMPAIGNER)
    serialize(session, "bodies")  # two moves, each harmless, can close a cycle together
    body = get_body(session, slug, lock=True)
    etags.check(if_match, body.version)
    was = facts_of(session, [body])
    above = set(ancestry(session, [body.id])[body.id])
    changes = revision.model_dump()
    places: dict[str, str | None] = {name: changes.pop(name) for name in PLACES if name in changes}
    identifiers = changes.pop("identifiers", {})
    body.sqlmodel_update(changes)
    _place(session, body, places)
    _identify(session, body, identifiers)
    session.flush()
    if facts_of(session, [body]) != was:
        revised(session, actor, body, above)
    return body


def revised(
    session: Session, actor: Actor, body: Body, above: Set[str] = frozenset(), type: str = "body.revised"
) -> None:
    """Let everyone know that the body was changed; it stood below those above."""
    body.touch()
    _record(session, actor, type, body, above)


def _place(session: Session, body: Body, places: Mapping[str, str | None]) -> None:
    """Set parent and successor, those that are named."""
    if "parent" in places:
        parent = _named(session, places["parent"], "parent")
        _refuse_circle(body, ancestry(session, [parent.id])[parent.id] if parent else [])
        body.parent_id = parent.id if parent else None
    if "successor" in places:
        successor = _named(session, places["successor"], "successor")
        _refuse_circle(body, succession(session, [successor.id])[successor.id] if successor else [])
        body.successor_id = successor.id if successor else None


def _named(session: Session, slug: str | None, member: str) -> Body | None:
    return bodies_named(session, [slug], f"body.{member}")[0] if slug else None


def _refuse_circle(body: Body, onward: list[str]) -> None:
    if body.slug in onward:
        around = [body.slug, *onward[: onward.index(body.slug) + 1]]
        raise Cycle(f"That would close a circle: {' → '.join(around)}.", path=around)


def _identify(session: Session, body: Body, changes: Mapping[str, str | None] | None) -> None:
    """Merge the changes into the body's identifiers; None takes them all away."""
    rows = {
        row.scheme: row for row in session.scalars(select(BodyIdentifier).where(col(BodyIdentifier.body_id) == body.id))
    }
    wanted = merged({scheme: row.value for scheme, row in rows.items()}, changes) if changes is not None else {}
    for scheme, row in rows.items():
        if scheme not in wanted:
            session.delete(row)
    for scheme, value in wanted.items():
        _check_free(session, body, scheme, value)
        row = rows.get(scheme) or BodyIdentifier(body_id=body.id, scheme=scheme, value=value)
        row.value = value
        session.add(row)


def _check_free(session: Session, body: Body, scheme: str, value: str) -> None:
    holder = session.scalars(
        select(col(Body.slug))
        .join(BodyIdentifier, col(BodyIdentifier.body_id) == col(Body.id))
        .where(col(BodyIdentifier.scheme) == scheme, col(BodyIdentifier.value) == value, col(Body.id) != body.id)
    ).first()
    if holder:
        raise Conflict(f"{scheme} {value} is the body {holder} already.")


def _record(session: Session, actor: Actor, type: str, body: Body, above: Set[str]) -> None:
    """For those who follow the body or one above it, before the change or after."""
    session.flush()
    keys = {f"body:{slug}" for slug in (*above, *ancestry(session, [body.id])[body.id])}
    data = facts_of(session, [body])[0].model_dump(mode="json")
    ledger.record(session, actor, type, ledger.About(keys=keys), audience=Audience.PUBLIC, body=data)
