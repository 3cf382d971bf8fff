"""From rows to what readers get: a page of demands costs a fixed number of statements, however long it is."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Uuid, bindparam, literal, select, union_all
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.accounts.audience import organizations_shown_within, shown_within
from app.accounts.models import Organization
from app.bodies.models import Body
from app.campaigns.models import Campaign, Kind
from app.database import settings_of
from app.dates import PartialDate, PartialDateColumn
from app.demands.lifecycle import Answer, RelationType, TargetRole, moves_from
from app.demands.models import Citation, Demand, Indicator, Issuer, Reading, Relation, Response, Tag, Target
from app.demands.reads import (
    BodyName,
    CitationRead,
    DemandRead,
    IssuerName,
    SourceName,
    TargetRead,
)
from app.demands.standing import latest_reading, latest_response, standing
from app.fields import Audience
from app.sources.models import Source

Part = Mapping[str, Any]  # of a demand, as `DemandRead` takes it
DEMANDS = TypeAdapter(list[DemandRead])  # checks all at once, which costs a third of making each part apart
KNOWN = 10_000  # targets and issuers kept ready
OWN = (
    Demand.id,
    Demand.ref,
    Demand.title,
    Demand.asks,
    Demand.counts_as_met,
    Demand.publication,
    Demand.embargoed_until,
    Demand.audience,
    Demand.sensitivity,
    Demand.first_made_on,
    Demand.deadline,
    Demand.last_checked_on,
    Demand.version,
    Demand.created_at,
    Demand.updated_at,
)


@cache
def selected(as_of: bool = False) -> Any:
    """The columns that `demands_read` builds from. Making a statement costs more than running it: each is made once."""
    now = standing(as_of)
    return (
        select(
            *(col(column) for column in OWN),
            col(Campaign.slug).label("campaign"),
            col(Campaign.review_interval_days).label("interval"),
            col(Kind.slug).label("kind"),
            now.status.label("standing"),
            now.since.label("since"),
            now.verification.label("verification"),
            now.disputed.label("disputed"),
            now.confidence.label("confidence"),
        )
        .select_from(Demand)
        .join(Campaign, col(Campaign.id) == col(Demand.campaign_id))
        .join(Kind, col(Kind.id) == col(Demand.kind_id))
    )


def demands_read(
    session: Session,
    actor: Actor,
    rows: Sequence[Row[Any]],
    day: datetime.date | None = None,
    with_related: bool = True,
) -> list[DemandRead]:
    """The demands of these rows as the actor sees them, as of the day where one is given."""
    ids = [row.id for row in rows]
    by_day = {"day": PartialDate.of(day)} if day else {}
    targets = _grouped(session, _targets(day is not None), ids, _target, **by_day)
    issuers = _grouped(session, _issuers(actor.audience), ids, _issuer, mine=actor.organization_id)
    tags = _grouped(session, TAGS, ids, str)
    indicators = _grouped(session, _indicators(day is not None), ids, _indicator, **by_day)
    related = _grouped(session, _relations(actor.audience), ids, _relation) if with_related else defaultdict(list)
    settings = settings_of(session)
    today = day or clock.today()
    names = rows[0]._fields if rows else ()
    return DEMANDS.validate_python(
        [
            {
                **dict(zip(names, row, strict=True)),
                "status": row.standing,
                "status_group": row.standing.group,
                "status_since": row.since,
                "overdue": is_overdue(row, today),
                "due_soon": is_due_soon(row, today, settings.due_soon_days),
                "no_response": has_no_response(row, targets[row.id], today),
                "stale": is_stale(row, today),
                "next_review_on": _next_review(row.last_checked_on, row.interval),
                "targets": targets[row.id],
                "issuers": issuers[row.id],
                "tags": tags[row.id],
                "indicator": next(iter(indicators[row.id]), None),
                "related": related[row.id],
                "allowed_moves": moves_from(row.standing) if actor.is_staff else None,
                "url": f"{settings.base_url}/api/v1/demands/{row.ref}",
            }
            for row in rows
        ]
    )


# What depends on the day is computed here, never stored; `filters` says the same in SQL.


def is_overdue(row: Row[Any], today: datetime.date) -> bool:
    due_on = _due_on(row)
    return due_on is not None and due_on < today


def is_due_soon(row: Row[Any], today: datetime.date, soon_days: int) -> bool:
    due_on = _due_on(row)
    return due_on is not None and today <= due_on <= today + datetime.timedelta(days=soon_days)


def has_no_response(row: Row[Any], targets: Iterable[TargetRead], today: datetime.date) -> bool:
    answered = any(target.response is not Answer.NONE for target in targets)
    waited: bool = row.first_made_on < (today - datetime.timedelta(days=row.interval)).isoformat()
    return waited and not answered and not row.standing.is_settled


def is_stale(row: Row[Any], today: datetime.date) -> bool:
    if row.standing.is_closed:
        return False
    checked: datetime.date | None = row.last_checked_on
    return checked is None or checked < today - datetime.timedelta(days=row.interval)


def _due_on(row: Row[Any]) -> datetime.date | None:
    deadline: PartialDate | None = row.deadline
    return deadline.last_day if deadline and not row.standing.is_settled else None


def citations_read(session: Session, actor: Actor, condition: Any) -> list[tuple[int, CitationRead]]:
    """Pairs of demand id and citation, oldest first; a source that the actor may not see takes its citations along."""
    rows = session.execute(_citations(actor.audience).where(condition), {"mine": actor.organization_id})
    return [(citation.demand_id, citation_read(citation, source, slug)) for citation, source, slug in rows]


def citation_read(citation: Citation, source: Source, organization: str | None) -> CitationRead:
    kind, owner = owner_of(citation)
    return CitationRead(
        id=citation.id,
        source=SourceName.model_validate(source, from_attributes=True),
        stance=citation.stance,
        locator=citation.locator,
        quote=citation.quote,
        translation=citation.translation,
        note=citation.note,
        claimed_on=citation.claimed_on,
        cited_for=kind,
        cited_for_id=owner,
        recorded_at=citation.recorded_at,
        organization=organization,
    )


def owner_of(citation: Citation) -> tuple[str, uuid.UUID | None]:
    for kind in ("status_change", "response", "reading", "update"):
        owner: uuid.UUID | None = getattr(citation, f"{kind}_id")
        if owner:
            return kind, owner
    return "demand", None


IDS: Any = bindparam("ids", expanding=True)
DAY: Any = bindparam("day", type_=PartialDateColumn())
MINE: Any = bindparam("mine", type_=Uuid())
TAGS = select(col(Tag.demand_id), col(Tag.tag)).where(col(Tag.demand_id).in_(IDS)).order_by(col(Tag.tag))


@cache
def _targets(as_of: bool) -> Any:
    by_day: Any = (col(Response.response), col(Response.dated).label("response_on"))
    response = by_day if as_of else (col(Target.response), col(Target.response_on))
    statement = select(
        col(Target.demand_id), col(Target.role), *response, col(Body.slug), col(Body.name), col(Body.acronym)
    ).join(Body, col(Body.id) == col(Target.body_id))
    if as_of:
        statement = statement.outerjoin(Response, col(Response.id) == latest_response(Response.id, DAY))
    return statement.where(col(Target.demand_id).in_(IDS)).order_by(col(Target.position))


@cache
def _indicators(as_of: bool) -> Any:
    by_day: Any = (col(Reading.value).label("latest"), col(Reading.dated).label("latest_on"))
    latest = by_day if as_of else (col(Indicator.latest), col(Indicator.latest_on))
    own = (col(Indicator.demand_id), col(Indicator.name), col(Indicator.unit), col(Indicator.target))
    statement = select(*own, *latest).select_from(Indicator)
    if as_of:
        statement = statement.outerjoin(Reading, col(Reading.id) == latest_reading(Reading.id, DAY))
    return statement.where(col(Indicator.demand_id).in_(IDS))


@cache
def _citations(circle: Audience) -> Any:
    author = col(Organization.id) == col(Citation.organization_id)
    return (
        select(Citation, Source, col(Organization.slug))
        .join(Source, col(Source.id) == col(Citation.source_id))
        .outerjoin(Organization, author & organizations_shown_within(circle, MINE))
        .where(shown_within(circle, Source.audience))
        .order_by(col(Citation.id))
    )


@cache
def _issuers(circle: Audience) -> Any:
    return (
        select(col(Issuer.demand_id), col(Organization.slug), col(Organization.name))
        .join(Organization, col(Organization.id) == col(Issuer.organization_id))
        .where(col(Issuer.demand_id).in_(IDS), organizations_shown_within(circle, MINE))
        .order_by(col(Issuer.position))
    )


@cache
def _relations(circle: Audience) -> Any:
    """Both directions, each told from this end; a demand that the circle may not see is not named."""
    ends = [(col(Relation.from_id), col(Relation.to_id), True), (col(Relation.to_id), col(Relation.from_id), False)]
    parts: list[Any] = [
        select(
            mine.label("demand_id"),
            literal(outward).label("outward"),
            col(Relation.type).label("type"),
            col(Demand.ref).label("ref"),
            col(Demand.ref_order).label("place"),
        )
        .join(Demand, col(Demand.id) == other)
        .where(mine.in_(IDS), shown_within(circle, Demand.visible_to))
        for mine, other, outward in ends
    ]
    return union_all(*parts).order_by("place")


def _grouped(
    session: Session, statement: Any, ids: list[int], part: Callable[..., Any], **values: Any
) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    rows = session.connection().execute(statement, {"ids": ids, **values}).all() if ids else ()
    for demand_id, *columns in rows:
        found[demand_id].append(part(*columns))
    return found


# The same few bodies and organisations stand under most demands; each is made once.


@lru_cache(KNOWN)
def _target(
    role: TargetRole,
    response: Answer | None,
    response_on: PartialDate | None,
    slug: str,
    name: str,
    acronym: str | None,
) -> TargetRead:
    body = BodyName(slug=slug, name=name, acronym=acronym)
    return TargetRead(body=body, role=role, response=response or Answer.NONE, response_on=response_on)


@lru_cache(KNOWN)
def _issuer(slug: str, name: str) -> IssuerName:
    return IssuerName(slug=slug, name=name)


def _relation(outward: bool, type: RelationType, ref: str, place: str) -> Part:
    return {"ref": ref, "type": type.value if outward else type.inverse}


def _indicator(name: str, unit: str, target: float | None, latest: float | None, latest_on: PartialDate | None) -> Part:
    return {"name": name, "unit": unit, "target": target, "latest": latest, "latest_on": latest_on}


def _next_review(checked: datetime.date | None, interval: int) -> datetime.date | None:
    return checked + datetime.timedelta(days=interval) if checked else None
