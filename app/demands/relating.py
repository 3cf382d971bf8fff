"""Ties between demands. A tie is stored once, whichever end it is told from."""

from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.database import serialize
from app.demands import facts
from app.demands.lifecycle import RelationType
from app.demands.models import Demand, Relation
from app.demands.queries import get_demand
from app.demands.reads import RelationRead
from app.demands.schemas import RelationNew
from app.problems import Conflict, NotFound, invalid


class CircularRelation(Conflict):
    """These demands would lead back to themselves"""

    type = "circular-relation"


class RelationExists(Conflict):
    """These demands are tied like that already"""

    type = "relation-exists"


def relate(session: Session, actor: Actor, ref: str, new: RelationNew) -> RelationRead:
    """Raises CircularRelation, RelationExists, Invalid for a demand that is not there or is this one."""
    actor.must_be(Role.CAMPAIGNER)
    demand = get_demand(session, actor, ref, lock=True)
    other = named(session, actor, new.to, "body.to")
    if other.key == demand.key:
        raise invalid("body.to", "a demand cannot be tied to itself")
    known = _between(session, new.type, demand, other)
    if known:
        raise RelationExists(f"{ref} and {new.to} are tied as {new.type} already.")
    relation = tie(session, new.type, demand, other)
    demand.touch()
    facts.record(session, actor, "demand.related", demand, audience=facts.while_shown(demand))
    return RelationRead(id=relation.id, ref=other.ref, type=new.type)


def tie(session: Session, type: RelationType, demand: Demand, other: Demand) -> Relation:
    """`demand` supersedes, is part of, duplicates or is related to `other`; finds the tie that is there already."""
    serialize(session, "relations")
    known = _between(session, type, demand, other)
    if known and (known.from_id == demand.key or not type.is_hierarchical):
        return known
    if type.is_hierarchical:
        _check_acyclic(session, type, demand, other)
    relation = Relation(type=type, from_id=demand.key, to_id=other.key)
    session.add(relation)
    session.flush()
    return relation


def named(session: Session, actor: Actor, ref: str, where: str) -> Demand:
    """Raises Invalid that names the place."""
    try:
        return get_demand(session, actor, ref)
    except NotFound:
        raise invalid(where, f"there is no demand {ref}") from None


def _between(session: Session, type: RelationType, demand: Demand, other: Demand) -> Relation | None:
    lower, higher = sorted((demand.key, other.key))
    statement = select(Relation).where(
        col(Relation.type) == type, col(Relation.lower_id) == lower, col(Relation.higher_id) == higher
    )
    return session.scalars(statement).one_or_none()


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
