"""Questions about bodies and the tree that they form."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, and_, bindparam, literal, or_, select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.bodies.models import Body, BodyIdentifier
from app.bodies.schemas import BodyFacts, BodyInFull, BodyName, BodyQuery, BodyRead, DemandCounts
from app.database import locked
from app.paging import Order, Page
from app.problems import NotFound, Place, known

DEEPEST = 100  # so that a circle, should one ever come into the database, hangs no reader

# body → group of statuses → how many demands of it and of those below it the actor may see
CountByBody = Callable[[Session, Actor], dict[uuid.UUID, dict[str, int]]]


def list_bodies(session: Session, actor: Actor, query: BodyQuery, count_by_body: CountByBody) -> Page[BodyRead]:
    order = Order([col(Body.slug)])
    rows = session.execute(order.page(_matching(session, query), query)).all()
    bodies = [row[0] for row in rows[: query.limit]]
    counts = count_by_body(session, actor) if bodies else {}
    items = [
        BodyRead(**facts.model_dump(), demands=DemandCounts.model_validate(counts.get(body.id, {})))
        for body, facts in zip(bodies, facts_of(session, bodies), strict=True)
    ]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def read_body(session: Session, actor: Actor, slug: str, count_by_body: CountByBody) -> BodyInFull:
    """Raises NotFound."""
    body = get_body(session, slug)
    counts = count_by_body(session, actor).get(body.id, {})
    return BodyInFull(
        **facts_of(session, [body])[0].model_dump(),
        demands=DemandCounts.model_validate(counts),
        children=_children(session, body),
        ancestors=ancestry(session, [body.id])[body.id][1:],
    )


def get_body(session: Session, slug: str, lock: bool = False) -> Body:
    """The row itself, locked for a change if asked. Raises NotFound."""
    statement = select(Body).where(col(Body.slug) == slug)
    if lock:
        statement = locked(statement)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no body {slug}.")
    return found


def bodies_named(session: Session, slugs: Sequence[str], where: Place) -> list[Body]:
    """In the order of the slugs; raises Invalid for an unknown one."""
    found = {b.slug: b for b in session.scalars(select(Body).where(col(Body.slug).in_(slugs)))}
    return known(found, slugs, "body", where)


def with_descendants(session: Session, slugs: Sequence[str], where: Place) -> list[uuid.UUID]:
    """The bodies and all below them, each once; raises Invalid for an unknown slug."""
    roots = [body.id for body in bodies_named(session, slugs, where)]
    below = select(col(Body.id)).where(col(Body.id).in_(roots)).cte("below", recursive=True)
    below = below.union(select(col(Body.id)).join(below, col(Body.parent_id) == below.c.id))
    return list(session.scalars(select(below.c.id)))


def with_ancestors(session: Session, ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """The bodies and all above them."""
    above = select(col(Body.id), col(Body.parent_id)).where(col(Body.id).in_(set(ids))).cte("above", recursive=True)
    further = select(col(Body.id), col(Body.parent_id)).join(above, col(Body.id) == above.c.parent_id)
    return set(session.scalars(select(above.union(further).c.id)))


def ancestry(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """For each body its own slug and those of all above it, the nearest first."""
    return _chains(session, ids, Body.parent_id)


def slugs_upward(session: Session, slugs: Sequence[str]) -> set[str]:
    """The bodies and all above them."""
    return set(session.connection().scalars(UPWARD, {"slugs": slugs}))


def succession(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """For each body its own slug and those of all that came after it, the nearest first."""
    return _chains(session, ids, Body.successor_id)


def facts_of(session: Session, bodies: Sequence[Body]) -> list[BodyFacts]:
    """What is recorded of the bodies, in their order."""
    named = {i for body in bodies for i in (body.parent_id, body.successor_id) if i}
    slugs = dict(session.execute(select(col(Body.id), col(Body.slug)).where(col(Body.id).in_(named))).all())
    identifiers: dict[uuid.UUID, dict[str, str]] = {}
    rows = select(BodyIdentifier).where(col(BodyIdentifier.body_id).in_({body.id for body in bodies}))
    for row in session.scalars(rows.order_by(col(BodyIdentifier.scheme))):
        identifiers.setdefault(row.body_id, {})[row.scheme] = row.value
    return [
        BodyFacts(
            **body.model_dump(exclude={"id", "parent_id", "successor_id"}),
            parent=slugs[body.parent_id] if body.parent_id else None,
            successor=slugs[body.successor_id] if body.successor_id else None,
            identifiers=identifiers.get(body.id, {}),
        )
        for body in bodies
    ]


def _upward() -> Any:
    chain = select(col(Body.slug), col(Body.parent_id)).where(col(Body.slug).in_(bindparam("slugs", expanding=True)))
    above = chain.cte("above", recursive=True)
    further = select(col(Body.slug), col(Body.parent_id)).join(above, col(Body.id) == above.c.parent_id)
    return select(above.union(further).c.slug)


UPWARD = _upward()


def _matching(session: Session, query: BodyQuery) -> Select[Any]:
    statement = select(Body)
    if query.q:
        words = (col(Body.name), col(Body.acronym), col(Body.slug))
        statement = statement.where(or_(*(column.icontains(query.q, autoescape=True) for column in words)))
    if query.parent:
        parents = [body.id for body in bodies_named(session, query.parent, lambda n: f"query.parent.{n}")]
        statement = statement.where(col(Body.parent_id).in_(parents))
    if query.classification:
        statement = statement.where(col(Body.classification).in_(query.classification))
    if query.identifier:
        pairs = [identifier.split(":", 1) for identifier in query.identifier]
        either = or_(
            *(and_(col(BodyIdentifier.scheme) == scheme, col(BodyIdentifier.value) == value) for scheme, value in pairs)
        )
        statement = statement.where(col(Body.id).in_(select(col(BodyIdentifier.body_id)).where(either)))
    return statement


def _children(session: Session, body: Body) -> list[BodyName]:
    rows = select(col(Body.slug), col(Body.name), col(Body.acronym)).where(col(Body.parent_id) == body.id)
    return [
        BodyName(slug=slug, name=name, acronym=acronym)
        for slug, name, acronym in session.execute(rows.order_by(col(Body.slug)))
    ]


def _chains(session: Session, ids: Iterable[uuid.UUID], link: Any) -> dict[uuid.UUID, list[str]]:
    """The slugs from each body on along the column that names the next body."""
    first: Any = select(col(Body.id).label("start"), literal(0).label("step"), col(Body.slug), col(link).label("next"))
    chain = first.where(col(Body.id).in_(set(ids))).cte("chain", recursive=True)
    further = select(chain.c.start, chain.c.step + 1, col(Body.slug), col(link))
    chain = chain.union_all(further.join(chain, col(Body.id) == chain.c.next).where(chain.c.step < DEEPEST))
    found: dict[uuid.UUID, list[str]] = {}
    for start, slug in session.execute(select(chain.c.start, chain.c.slug).order_by(chain.c.start, chain.c.step)):
        found.setdefault(start, []).append(slug)
    return found
