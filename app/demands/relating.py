"""Ties between demands. A tie is stored once, whichever end it is told from, and changes what both ends show."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.database import locked, serialize
from app.demands import citing, facts
from app.demands.lifecycle import RelationType, Status
from app.demands.models import Demand, Relation
from app.demands.queries import get_demand
from app.demands.reads import Related, RelationRead
from app.demands.schemas import RelationNew
from app.problems import Conflict, NotFound, invalid


class CircularRelation(Conflict):
    """These demands would lead back to themselves"""

    type = "circular-relation"
    remedy = "Take back the tie that leads the other way, if that is the wrong one."


class RelationExists(Conflict):
    """These demands are tied like that already"""

    type = "relation-exists"
    remedy = "There is nothing to do: the tie is there."


class RelationNeeded(Conflict):
    """A status rests on this tie"""

    type = "relation-needed"
    remedy = "Give the demand that stands superseded another status, then take the tie back."


def relate(session: Session, actor: Actor, ref: str, new: RelationNew) -> RelationRead:
    """Raises CircularRelation, RelationExists, Invalid for a demand that is not there or is this one."""
    actor.must_be(Role.CAMPAIGNER)
    if new.to == ref:
        raise invalid("body.to", "a demand cannot be tied to itself")
    demand, other = both_ends(session, actor, ref, new.to, "body.to")
    if _between(session, new.type, demand, other):
        raise RelationExists(f"{ref} and {new.to} are tied as {new.type} already.")
    relation = _tie(session, new.type, demand, other)
    _tell(session, actor, "demand.related", demand, new.type, other)
    _tell(session, actor, "demand.related", other, new.type.inverse, demand)
    return RelationRead(id=relation.id, ref=other.ref, type=new.type)


def supersede(session: Session, actor: Actor, successor: Demand, demand: Demand) -> None:
    """The tie that a change of status makes, unless it is there: told at the successor's end, as the change is itself.

    Both demands are locked. Raises CircularRelation.
    """
    known = _between(session, RelationType.SUPERSEDES, successor, demand)
    if known and known.from_id == successor.key:
        return
    _tie(session, RelationType.SUPERSEDES, successor, demand)
    _tell(session, actor, "demand.related", successor, RelationType.SUPERSEDES, demand)


def unrelate(session: Session, actor: Actor, ref: str, relation_id: uuid.UUID) -> None:
    """Raises NotFound, RelationNeeded where a demand stands superseded by it."""
    actor.must_be(Role.CAMPAIGNER)
    demand = get_demand(session, actor, ref)
    relation = session.get(Relation, relation_id)
    if relation is None or demand.key not in (relation.from_id, relation.to_id):
        raise NotFound(f"{ref} has no relation {relation_id}.")
    ends = _locked(session, relation.from_id, relation.to_id)
    if session.scalars(select(col(Relation.id)).where(col(Relation.id) == relation_id)).first() is None:
        raise NotFound(f"{ref} has no relation {relation_id}; someone has just taken it back.")
    first, second = ends[relation.from_id], ends[relation.to_id]
    _check_needless(session, relation.type, first, second)
    session.delete(relation)
    _tell(session, actor, "demand.unrelated", first, relation.type, second)
    _tell(session, actor, "demand.unrelated", second, relation.type.inverse, first)


def both_ends(session: Session, actor: Actor, ref: str, other: str, where: str) -> tuple[Demand, Demand]:
    """The two demands, locked. Raises NotFound for the first, Invalid that names the place for the other."""
    demand = get_demand(session, actor, ref)
    try:
        second = get_demand(session, actor, other)
    except NotFound:
        raise invalid(where, f"there is no demand {other}") from None
    _locked(session, demand.key, second.key)
    return demand, second


def _locked(session: Session, *keys: int) -> dict[int, Demand]:
    """In the order of their ids, so that of two who lock several none waits for the other."""
    statement = locked(select(Demand).where(col(Demand.id).in_(keys)).order_by(col(Demand.id)))
    return {demand.key: demand for demand in session.scalars(statement)}


def _between(session: Session, type: RelationType, demand: Demand, other: Demand) -> Relation | None:
    lower, higher = sorted((demand.key, other.key))
    statement = select(Relation).where(
        col(Relation.type) == type, col(Relation.lower_id) == lower, col(Relation.higher_id) == higher
    )
    return session.scalars(statement).one_or_none()


def _tie(session: Session, type: RelationType, demand: Demand, other: Demand) -> Relation:
    """`demand` supersedes, is part of, duplicates or is related to `other`."""
    serialize(session, "relations")
    if type.is_hierarchical:
        _check_acyclic(session, type, demand, other)
    relation = Relation(type=type, from_id=demand.key, to_id=other.key)
    session.add(relation)
    session.flush()
    return relation


def _check_acyclic(session: Session, type: RelationType, demand: Demand, other: Demand) -> None:
    """Whoever follows the relation from `other` must not arrive at `demand`."""
    reached: Any = select(col(Relation.to_id).label("id")).where(
        col(Relation.type) == type, col(Relation.from_id) == other.key
    )
    walk = reached.cte("walk", recursive=True)
    walk = walk.union(
        select(col(Relation.to_id)).join(walk, col(Relation.from_id) == walk.c.id).where(col(Relation.type) == type)
    )
    if session.execute(select(walk.c.id).where(walk.c.id == demand.key)).first():
        raise CircularRelation(f"{other.ref} leads to {demand.ref} by {type} already; the reverse would make a circle.")


def _check_needless(session: Session, type: RelationType, successor: Demand, demand: Demand) -> None:
    if type is not RelationType.SUPERSEDES or demand.status is not Status.SUPERSEDED:
        return
    if citing.current_change(session, demand).successor_id == successor.key:
        raise RelationNeeded(
            f"{demand.ref} stands superseded by {successor.ref}; give {demand.ref} another status before this tie goes."
        )


def _tell(session: Session, actor: Actor, event: str, demand: Demand, type: str, other: Demand) -> None:
    """At one end, as the tie is told from there, to those who may see both ends: for others nothing has happened."""
    if other.circle in demand.circle.sees:
        demand.touch()
    told = Related(ref=other.ref, type=type)
    facts.record(session, actor, event, demand, audience=facts.while_shown(demand).within(other.circle), relation=told)
