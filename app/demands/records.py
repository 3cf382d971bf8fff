"""Questions about what was recorded of a demand: changes, updates, responses, readings, milestones, ties."""

import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Select, case, select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.audience import organizations_shown_to, shown_to
from app.accounts.models import Organization
from app.bodies.models import Body
from app.demands.assembling import citations_read
from app.demands.models import Citation, Demand, Milestone, Reading, Relation, Response, StatusChange, Update
from app.demands.queries import get_demand
from app.demands.reads import (
    CitationRead,
    MilestoneRead,
    ReadingRead,
    RelationRead,
    ResponseRead,
    StatusChangeRead,
    UpdateRead,
)
from app.paging import Order, Page, PageQuery
from app.problems import NotFound
from app.sources.models import Source

Item = TypeVar("Item")
Cited = dict[uuid.UUID | None, list[CitationRead]]


def list_status_changes(session: Session, actor: Actor, ref: str, query: PageQuery) -> Page[StatusChangeRead]:
    """Newest first."""
    demand = get_demand(session, actor, ref)
    order = Order([col(StatusChange.number)], descending=True, within=ref)
    statement = select(StatusChange).where(col(StatusChange.demand_id) == demand.key)
    return _page(session, order, statement, query, lambda rows: status_changes_read(session, actor, rows))


def get_status_change(
    session: Session, actor: Actor, change_id: uuid.UUID, lock: bool = False
) -> tuple[Demand, StatusChange]:
    """The change and its demand, which is locked if asked. Raises NotFound."""
    change = session.get(StatusChange, change_id)
    demand = session.get(Demand, change.demand_id) if change else None
    if change is None or demand is None:
        raise NotFound(f"There is no status change {change_id}.")
    demand = get_demand(session, actor, demand.ref, lock)
    if lock:
        session.refresh(change)
    return demand, change


def status_change_read(session: Session, actor: Actor, change: StatusChange) -> StatusChangeRead:
    return status_changes_read(session, actor, [change])[0]


def status_changes_read(session: Session, actor: Actor, changes: list[StatusChange]) -> list[StatusChangeRead]:
    """As the actor sees them: internal notes for staff only."""
    cited = _cited(session, actor, Citation.status_change_id, _ids(changes))
    authors = _organizations(session, actor, changes)
    successors = {change.successor_id for change in changes if change.successor_id}
    refs = _refs_shown_to(session, actor, successors)
    return [
        StatusChangeRead(
            **change.model_dump(exclude={"from_status", "to_status", "internal_note", "verified_by"}),
            from_=change.from_status,
            to=change.to_status,
            internal_note=change.internal_note if actor.is_staff else None,
            verified_by=authors.get(change.verifier_organization_id),
            successor=refs.get(change.successor_id),
            organization=authors.get(change.organization_id),
            citations=cited[change.id],
        )
        for change in changes
    ]


def list_updates(session: Session, actor: Actor, ref: str, query: PageQuery) -> Page[UpdateRead]:
    """Newest first by the date that they are about."""

    def read(rows: list[Update]) -> list[UpdateRead]:
        cited, authors = _cited(session, actor, Citation.update_id, _ids(rows)), _organizations(session, actor, rows)
        return [update_read(row, authors.get(row.organization_id), cited[row.id]) for row in rows]

    return _dated(session, actor, ref, Update, query, read)


def list_responses(session: Session, actor: Actor, ref: str, query: PageQuery) -> Page[ResponseRead]:
    def read(rows: list[Response]) -> list[ResponseRead]:
        cited, authors = _cited(session, actor, Citation.response_id, _ids(rows)), _organizations(session, actor, rows)
        bodies = dict(
            session.execute(
                select(col(Body.id), col(Body.slug)).where(col(Body.id).in_({row.body_id for row in rows}))
            ).all()
        )
        return [
            response_read(row, bodies[row.body_id], authors.get(row.organization_id), cited[row.id]) for row in rows
        ]

    return _dated(session, actor, ref, Response, query, read)


def list_readings(session: Session, actor: Actor, ref: str, query: PageQuery) -> Page[ReadingRead]:
    def read(rows: list[Reading]) -> list[ReadingRead]:
        cited, authors = _cited(session, actor, Citation.reading_id, _ids(rows)), _organizations(session, actor, rows)
        return [reading_read(row, authors.get(row.organization_id), cited[row.id]) for row in rows]

    return _dated(session, actor, ref, Reading, query, read)


def list_milestones(session: Session, actor: Actor, ref: str, query: PageQuery) -> Page[MilestoneRead]:
    """In the order in which they were planned."""
    demand = get_demand(session, actor, ref)
    statement = select(Milestone).where(col(Milestone.demand_id) == demand.key)
    order = Order([col(Milestone.position)], within=ref)
    return _page(session, order, statement, query, lambda rows: [*map(milestone_read, rows)])


def list_citations(session: Session, actor: Actor, ref: str, query: PageQuery) -> Page[CitationRead]:
    """Everything cited for the demand and for what was recorded of it, oldest first."""
    demand = get_demand(session, actor, ref)
    statement = (
        select(Citation).join(Source).where(col(Citation.demand_id) == demand.key, shown_to(actor, Source.audience))
    )

    def read(rows: list[Citation]) -> list[CitationRead]:
        return [read for _, read in citations_read(session, actor, col(Citation.id).in_(_ids(rows)))]

    return _page(session, Order([col(Citation.id)], within=ref), statement, query, read)


def list_relations(session: Session, actor: Actor, ref: str, query: PageQuery) -> Page[RelationRead]:
    """Both directions, told from this demand's end."""
    demand = get_demand(session, actor, ref)
    other = case((col(Relation.from_id) == demand.key, col(Relation.to_id)), else_=col(Relation.from_id))
    statement = (
        select(Relation, col(Demand.ref))
        .join(Demand, col(Demand.id) == other)
        .where((col(Relation.from_id) == demand.key) | (col(Relation.to_id) == demand.key))
        .where(shown_to(actor, Demand.visible_to))
    )
    order = Order([col(Relation.id)], within=ref)
    rows = session.execute(order.page(statement, query)).all()
    items = [_relation_read(row[0], row[1], demand) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def _relation_read(relation: Relation, other: str, demand: Demand) -> RelationRead:
    outward = relation.from_id == demand.key
    return RelationRead(id=relation.id, ref=other, type=relation.type.value if outward else relation.type.inverse)


def update_read(update: Update, organization: str | None, citations: list[CitationRead]) -> UpdateRead:
    return UpdateRead(
        **update.model_dump(exclude={"dated"}), on=update.dated, organization=organization, citations=citations
    )


def response_read(
    response: Response, body: str, organization: str | None, citations: list[CitationRead]
) -> ResponseRead:
    return ResponseRead(
        **response.model_dump(exclude={"dated"}),
        body=body,
        on=response.dated,
        organization=organization,
        citations=citations,
    )


def reading_read(reading: Reading, organization: str | None, citations: list[CitationRead]) -> ReadingRead:
    return ReadingRead(
        **reading.model_dump(exclude={"dated"}), on=reading.dated, organization=organization, citations=citations
    )


def milestone_read(milestone: Milestone) -> MilestoneRead:
    return MilestoneRead.model_validate(milestone, from_attributes=True)


def _dated(
    session: Session,
    actor: Actor,
    ref: str,
    model: Any,
    query: PageQuery,
    read: Callable[[list[Any]], list[Item]],
) -> Page[Item]:
    demand = get_demand(session, actor, ref)
    order = Order([col(model.dated), col(model.id)], descending=True, within=ref)
    return _page(session, order, select(model).where(col(model.demand_id) == demand.key), query, read)


def _page(
    session: Session, order: Order, statement: Select[Any], query: PageQuery, read: Callable[[list[Any]], list[Item]]
) -> Page[Item]:
    rows = session.execute(order.page(statement, query)).all()
    items = read([row[0] for row in rows[: query.limit]])
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def _ids(rows: list[Any]) -> list[uuid.UUID]:
    return [row.id for row in rows]


def _cited(session: Session, actor: Actor, owner: Any, ids: list[uuid.UUID]) -> Cited:
    found: Cited = defaultdict(list)
    for _, citation in citations_read(session, actor, col(owner).in_(ids)):
        found[citation.cited_for_id].append(citation)
    return found


def _organizations(session: Session, actor: Actor, rows: list[Any]) -> dict[uuid.UUID | None, str]:
    """Slugs of the authors (and verifiers) that the actor may see."""
    ids = {row.organization_id for row in rows} | {getattr(row, "verifier_organization_id", None) for row in rows}
    if not ids - {None}:
        return {}
    statement = select(col(Organization.id), col(Organization.slug)).where(
        col(Organization.id).in_(ids - {None}), organizations_shown_to(actor)
    )
    return {row.id: row.slug for row in session.execute(statement)}


def _refs_shown_to(session: Session, actor: Actor, ids: set[int]) -> dict[int | None, str]:
    if not ids:
        return {}
    statement = select(col(Demand.id), col(Demand.ref)).where(
        col(Demand.id).in_(ids), shown_to(actor, Demand.visible_to)
    )
    return {row.id: row.ref for row in session.execute(statement)}
