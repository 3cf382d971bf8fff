"""Questions about demands. What an actor may not see does not exist for them: NotFound, never Forbidden."""

import datetime
import uuid
from array import array
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, case, func, literal, select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.audience import shown_to, shown_within
from app.bodies.models import Body
from app.database import locked
from app.demands import history
from app.demands.assembling import citations_read, demands_read, selected
from app.demands.filters import DemandCriteria, DemandFilter, Sort, narrow, order_of
from app.demands.lifecycle import Group, Status
from app.demands.models import Citation, Demand, Tag, Target
from app.demands.reads import DemandPage, DemandRead
from app.fields import Audience
from app.problems import NotFound


def list_demands(
    session: Session, actor: Actor, query: DemandFilter, sort: Sort = Sort.NEWEST, include: frozenset[str] = frozenset()
) -> DemandPage:
    """One page; raises Invalid that names a filter value which does not exist, or a cursor from elsewhere."""
    order = order_of(sort, query)
    statement = narrow(selected(query.as_of is not None), session, actor, query)
    rows = session.connection().execute(order.page(statement, query)).all()
    items = demands_read(session, actor, rows[: query.limit], query.as_of)
    _add(session, actor, items, [row.id for row in rows[: query.limit]], include)
    total = count_demands(session, actor, query) if "total" in include else None
    return DemandPage(items=items, next_cursor=order.next_cursor(rows, query), total=total)


def list_ids(session: Session, actor: Actor, query: DemandFilter, sort: Sort, limit: int | None) -> Sequence[int]:
    """All that match at this moment, in their order, as the keys by which `read_demands` gives them."""
    statement = narrow(select(col(Demand.id)), session, actor, query)
    return array("q", session.scalars(order_of(sort, query).whole(statement, query).limit(limit)))


def read_demands(
    session: Session, actor: Actor, ids: Sequence[int], as_of: datetime.date | None, include: frozenset[str]
) -> list[DemandRead]:
    """In the order of the ids; those that the actor may not see, or not any more, are left out."""
    statement = narrow(selected(as_of is not None), session, actor, DemandCriteria(as_of=as_of))
    found = {row.id: row for row in session.execute(statement.where(col(Demand.id).in_(ids)))}
    rows = [found[key] for key in ids if key in found]
    items = demands_read(session, actor, rows, as_of)
    _add(session, actor, items, [row.id for row in rows], include)
    return items


def count_demands(session: Session, actor: Actor, query: DemandFilter) -> int:
    statement = narrow(select(func.count()).select_from(Demand), session, actor, query)
    return int(session.execute(statement).scalar_one())


def tags_shown_to(session: Session, actor: Actor, tags: Collection[str]) -> set[str]:
    """Those of the tags that a demand has which the actor may see."""
    tagged = select(col(Tag.tag)).join(Demand, col(Demand.id) == col(Tag.demand_id)).distinct()
    return set(session.scalars(tagged.where(col(Tag.tag).in_(tags), shown_to(actor, Demand.visible_to))))


def read_demand(session: Session, actor: Actor, ref: str, include: frozenset[str] = frozenset()) -> DemandRead:
    """Raises NotFound."""
    demand = get_demand(session, actor, ref)
    rows = session.execute(selected().where(col(Demand.id) == demand.key)).all()
    items = demands_read(session, actor, rows)
    _add(session, actor, items, [demand.key], include)
    return items[0]


def get_demand(session: Session, actor: Actor, ref: str, lock: bool = False) -> Demand:
    """The row itself, locked for a change if asked. Raises NotFound."""
    found: Demand | None = session.scalars(_demand(actor.audience, lock), {"ref": ref}).one_or_none()
    if found is None:
        raise NotFound(f"There is no demand {ref}.")
    return found


@cache
def _demand(circle: Audience, lock: bool) -> Any:
    """Made once, since making it costs more than running it."""
    statement = select(Demand).where(col(Demand.ref) == bindparam("ref"), shown_within(circle, Demand.visible_to))
    return locked(statement) if lock else statement


def count_by_body(session: Session, actor: Actor) -> dict[uuid.UUID, dict[str, int]]:
    """For each body: how many visible demands of it or of bodies below it stand in each status group, each once."""
    tree = select(col(Body.id).label("top"), col(Body.id).label("body")).cte("tree", recursive=True)
    tree = tree.union(select(tree.c.top, col(Body.id)).join(Body, col(Body.parent_id) == tree.c.body))
    group = case({status.value: status.group.value for status in Status}, value=col(Demand.status), else_=literal(""))
    statement = (
        select(tree.c.top, group, func.count(func.distinct(col(Demand.id))))
        .join(Target, col(Target.body_id) == tree.c.body)
        .join(Demand, col(Demand.id) == col(Target.demand_id))
        .where(shown_to(actor, Demand.visible_to))
        .group_by(tree.c.top, group)
    )
    found: dict[uuid.UUID, dict[str, int]] = defaultdict(lambda: {group.value: 0 for group in Group})
    for top, name, count in session.execute(statement):
        found[top][name] = count
    return dict(found)


def _add(session: Session, actor: Actor, items: list[DemandRead], ids: list[int], include: frozenset[str]) -> None:
    if "citations" in include:
        cited: dict[int, list[Any]] = defaultdict(list)
        for demand_id, citation in citations_read(session, actor, col(Citation.demand_id).in_(ids)):
            cited[demand_id].append(citation)
        for item, key in zip(items, ids, strict=True):
            item.citations = cited[key]
    if "history" in include:
        for item in items:
            item.history = history.of_demand(session, actor, item.ref)
