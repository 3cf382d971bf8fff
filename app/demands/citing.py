"""Evidence: attaching citations, and what a contradicting one does."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.demands import facts
from app.demands.assembling import citation_read
from app.demands.lifecycle import Stance
from app.demands.models import Citation, Demand, Reading, Response, StatusChange, Update
from app.demands.queries import get_demand
from app.demands.reads import CitationRead
from app.demands.schemas import CitationNew, DemandCitationNew
from app.problems import Place, invalid
from app.sources.models import Source
from app.sources.queries import sources_named

Owner = StatusChange | Response | Reading | Update
_CURRENT: Any = (
    select(StatusChange)
    .where(col(StatusChange.demand_id) == bindparam("demand"))
    .order_by(col(StatusChange.number).desc())
    .limit(1)
)


def attach(
    session: Session,
    actor: Actor,
    demand: Demand,
    citations: Sequence[CitationNew],
    where: Place,
    owner: Owner | None = None,
) -> list[Citation]:
    """Citations of the demand, or of one thing recorded about it; raises Invalid for a source that is not there."""
    if not citations:
        return []
    sources = sources_named(session, actor, [c.source for c in citations], where)
    session.flush()
    rows = [
        Citation(
            demand_id=demand.key,
            source_id=source.id,
            organization_id=actor.organization_id,
            status_change_id=owner.id if isinstance(owner, StatusChange) else None,
            response_id=owner.id if isinstance(owner, Response) else None,
            reading_id=owner.id if isinstance(owner, Reading) else None,
            update_id=owner.id if isinstance(owner, Update) else None,
            **citation.model_dump(exclude={"source", "status_change"}),
        )
        for citation, source in zip(citations, sources, strict=True)
    ]
    session.add_all(rows)
    session.flush()
    return rows


def in_body(number: int) -> str:
    """Where the n-th citation of a record stands in the request."""
    return f"body.citations.{number}.source"


def cite(session: Session, actor: Actor, ref: str, new: DemandCitationNew) -> CitationRead:
    """Attach evidence to the demand or to one of its status changes.

    Where it contradicts, the change is disputed from now on, and the demand with it if that is how it stands. A source
    that not all of the demand's readers may see leaves no trace in what the others see.
    """
    actor.must_be(Role.CAMPAIGNER)
    demand = get_demand(session, actor, ref, lock=True)
    change = _change_of(session, demand, new.status_change) if new.status_change else None
    citation = attach(session, actor, demand, [new], "body.source", change)[0]
    source = session.get_one(Source, citation.source_id)
    if contradicted(session, demand, [citation]):
        current = current_change(session, demand)
        (change or current).disputed = True
        demand.disputed = current.disputed
    if source.audience in demand.audience.sees:
        demand.touch()
    read = citation_read(citation, source, actor.organization)
    facts.record(
        session, actor, "demand.cited", demand, audience=demand.audience.within(source.audience), citation=read
    )
    return read


def contradicted(session: Session, demand: Demand, citations: Sequence[Citation]) -> bool:
    """Whether one of them contradicts, from a source that all readers of the demand may see."""
    against = [citation.source_id for citation in citations if citation.stance is Stance.CONTRADICTS]
    return any(session.get_one(Source, source_id).audience in demand.audience.sees for source_id in against)


def settle_disputes(session: Session, demand: Demand) -> None:
    """Mark what is contradicted by sources that the demand's readers may see, now that these are others than before."""
    session.flush()
    changes = session.scalars(
        select(StatusChange).where(col(StatusChange.demand_id) == demand.key).order_by(col(StatusChange.number))
    ).all()
    against = session.scalars(
        select(Citation)
        .join(Source, col(Source.id) == col(Citation.source_id))
        .where(col(Citation.demand_id) == demand.key, col(Citation.stance) == Stance.CONTRADICTS)
        .where(col(Source.audience).in_(demand.audience.sees))
    ).all()
    for number, change in enumerate(changes):
        until = changes[number + 1].recorded_at if number + 1 < len(changes) else None
        change.disputed = any(_is_against(citation, change, until) for citation in against)
    demand.disputed = changes[-1].disputed


def _is_against(citation: Citation, change: StatusChange, until: datetime.datetime | None) -> bool:
    """Evidence for a demand is about how it stood when that was recorded."""
    if citation.status_change_id:
        return citation.status_change_id == change.id
    of_the_demand = citation.response_id is citation.reading_id is citation.update_id is None
    return of_the_demand and change.recorded_at <= citation.recorded_at and (not until or citation.recorded_at < until)


def _change_of(session: Session, demand: Demand, change_id: uuid.UUID) -> StatusChange:
    change = session.get(StatusChange, change_id)
    if change is None or change.demand_id != demand.key:
        raise invalid("body.status_change", f"{demand.ref} has no status change {change_id}")
    return change


def current_change(session: Session, demand: Demand) -> StatusChange:
    """The change that says how the demand stands."""
    change: StatusChange = session.scalars(_CURRENT, {"demand": demand.key}).one()
    return change


def made(session: Session, author: str | None, citations: Sequence[Citation]) -> list[CitationRead]:
    """The citations that the organisation has just made."""
    return [citation_read(citation, session.get_one(Source, citation.source_id), author) for citation in citations]
