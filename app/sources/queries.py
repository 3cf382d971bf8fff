"""Questions about sources."""

import uuid
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, or_, select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.audience import shown_to, shown_within
from app.bodies.models import Body
from app.bodies.queries import bodies_named
from app.database import locked
from app.fields import Audience
from app.paging import Order, Page
from app.problems import NotFound, Place, known
from app.sources.models import Source, SourceIssuer
from app.sources.schemas import SourceQuery, SourceRead


def list_sources(session: Session, actor: Actor, query: SourceQuery) -> Page[SourceRead]:
    order = Order([col(Source.slug)])
    rows = session.execute(order.page(_matching(session, actor, query), query)).all()
    items = sources_read(session, [row[0] for row in rows[: query.limit]])
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def read_source(session: Session, actor: Actor, slug: str) -> SourceRead:
    """Raises NotFound."""
    return sources_read(session, [get_source(session, actor, slug)])[0]


def get_source(session: Session, actor: Actor, slug: str, lock: bool = False) -> Source:
    """The row itself, locked for a change if asked. Raises NotFound."""
    statement = select(Source).where(col(Source.slug) == slug, shown_to(actor, Source.audience))
    if lock:
        statement = locked(statement)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no source {slug}.")
    return found


def sources_named(session: Session, actor: Actor, slugs: Sequence[str], where: Place) -> list[Source]:
    """In the order of the slugs; raises Invalid for one that is unknown or not for the actor to see."""
    found = session.scalars(_named(actor.audience), {"slugs": slugs})
    return known({source.slug: source for source in found}, slugs, "source", where)


@cache
def _named(circle: Audience) -> Any:
    """Made once, since making it costs more than running it."""
    among = col(Source.slug).in_(bindparam("slugs", expanding=True))
    return select(Source).where(among, shown_within(circle, Source.audience))


def issuing_bodies(session: Session, source_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """For each source that bodies issued, those bodies."""
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for issuer in session.scalars(select(SourceIssuer).where(col(SourceIssuer.source_id).in_(set(source_ids)))):
        found.setdefault(issuer.source_id, set()).add(issuer.body_id)
    return found


def sources_read(session: Session, sources: Sequence[Source]) -> list[SourceRead]:
    issuers = _issuers(session, [source.id for source in sources])
    return [SourceRead(**source.model_dump(exclude={"id"}), issued_by=issuers.get(source.id, [])) for source in sources]


def _issuers(session: Session, source_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    rows = (
        select(col(SourceIssuer.source_id), col(Body.slug))
        .join(Body, col(Body.id) == col(SourceIssuer.body_id))
        .where(col(SourceIssuer.source_id).in_(source_ids))
        .order_by(col(Body.slug))
    )
    found: dict[uuid.UUID, list[str]] = {}
    for source_id, slug in session.execute(rows):
        found.setdefault(source_id, []).append(slug)
    return found


def _matching(session: Session, actor: Actor, query: SourceQuery) -> Select[Any]:
    statement = select(Source).where(shown_to(actor, Source.audience))
    if query.q:
        words = (col(Source.title), col(Source.publisher))
        statement = statement.where(or_(*(column.icontains(query.q, autoescape=True) for column in words)))
    for column, values in (
        (col(Source.kind), query.kind),
        (col(Source.language), query.language),
        (col(Source.publisher), query.publisher),
    ):
        if values:
            statement = statement.where(column.in_(values))
    if query.issued_by:
        bodies = [body.id for body in bodies_named(session, query.issued_by, lambda n: f"query.issued_by.{n}")]
        issued = select(col(SourceIssuer.source_id)).where(col(SourceIssuer.body_id).in_(bodies))
        statement = statement.where(col(Source.id).in_(issued))
    if query.published_from:
        statement = statement.where(_may_be_from(query.published_from.first_day.isoformat()))
    if query.published_to:
        statement = statement.where(col(Source.published_on) <= query.published_to.last_day.isoformat())
    return statement


def _may_be_from(day: str) -> Any:
    """Published that day or later; its month and its year, where no more is known, reach beyond it."""
    return or_(col(Source.published_on) >= day, col(Source.published_on).in_([day[:4], day[:7]]))
