"""The words that lists, statistics, exports and feeds filter demands by, and their meaning in SQL."""

import datetime
import enum
import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlalchemy import ColumnElement, and_, case, false, func, literal_column, not_, or_, select
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.accounts.audience import shown_to
from app.accounts.queries import organizations_named
from app.bodies.queries import with_descendants
from app.campaigns.models import Campaign
from app.campaigns.queries import campaigns_named, kinds_named
from app.dates import FIRST_DAY
from app.demands.lifecycle import Group, Publication, Status, statuses_in
from app.demands.models import Citation, Demand, Issuer, StatusChange, Tag, Target
from app.demands.searching import mentions
from app.demands.standing import last_change_by, not_answered, standing
from app.fields import Day, MomentOrDay, Schema, Slug
from app.ledger import words
from app.paging import Order, PageQuery
from app.sources.queries import sources_named

Several = Field(max_length=50)


LAST_DAY = datetime.date(9000, 1, 1)  # intervals reach past it


class Sort(enum.StrEnum):
    UPDATED_AT = "updated_at"
    NEWEST = "-updated_at"
    REF = "ref"
    REF_DOWN = "-ref"
    FIRST_MADE_ON = "first_made_on"
    FIRST_MADE_ON_DOWN = "-first_made_on"
    DEADLINE = "deadline"
    DEADLINE_DOWN = "-deadline"
    STATUS_SINCE = "status_since"
    STATUS_SINCE_DOWN = "-status_since"


class DemandCriteria(Schema):
    """Repeat a word to mean either; different words narrow together."""

    campaign: Annotated[list[Slug], Several, words.CAMPAIGN] = []
    kind: Annotated[list[Slug], Several, words.KIND] = []
    status: Annotated[list[Status], Several, Field(description="What has happened in the world.")] = []
    group: Annotated[list[Group], Several, words.GROUP] = []
    body: Annotated[list[Slug], Several, words.BODY] = []
    issuer: Annotated[list[Slug], Several, words.ISSUER] = []
    source: Annotated[list[Slug], Several, Field(description="Slugs of sources that are cited.")] = []
    tag: Annotated[list[Slug], Several, words.TAG] = []
    publication: Annotated[
        list[Publication], Several, Field(description="How far it is shown; all but staff see what is published.")
    ] = []
    q: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None,
        Field(description="Words, or beginnings of words, in ref, title and text."),
    ] = None
    overdue: Annotated[bool | None, words.OVERDUE] = None
    stale: Annotated[bool | None, words.STALE] = None
    disputed: Annotated[bool | None, words.DISPUTED] = None
    no_response: Annotated[bool | None, words.NO_RESPONSE] = None
    updated_since: Annotated[MomentOrDay | None, Field(description="A moment with its offset, or a day in UTC.")] = None
    as_of: Annotated[
        Day | None,
        Field(
            ge=FIRST_DAY,
            le=LAST_DAY,
            description=(
                "How each demand stood at the end of that day, by the dates of its status changes, responses and "
                "readings, with `overdue`, `due_soon` and `no_response` of that day; a demand whose history begins "
                "later is not there. Everything else is as it is known today: texts, targets, issuers, tags, deadline, "
                "the last check (and so `stale`), and who may see it."
            ),
        ),
    ] = None


class DemandFilter(DemandCriteria, PageQuery):
    """The criteria of a list, which is read page by page."""


def narrow(statement: Any, session: Session, actor: Actor, filters: DemandCriteria) -> Any:
    """The statement over demands, kept to what the actor may see and the filters name.

    Raises Invalid that names a value which does not exist.
    """
    statement = statement.where(shown_to(actor, Demand.visible_to))
    if filters.as_of:
        statement = statement.join(StatusChange, last_change_by(filters.as_of))
    return statement.where(*_conditions(session, actor, filters))


def order_of(sort: Sort, filters: DemandCriteria) -> Order:
    """Demands without a deadline come last in both directions."""
    descending = sort.value.startswith("-")
    deadline = func.coalesce(col(Demand.deadline), literal_column("''")) if descending else col(Demand.deadline_order)
    columns: dict[str, Sequence[Any]] = {
        "updated_at": (col(Demand.updated_at), col(Demand.id)),
        "ref": (col(Demand.ref_order),),
        "first_made_on": (col(Demand.first_made_on), col(Demand.id)),
        "deadline": (deadline, col(Demand.id)),
        "status_since": (standing(filters.as_of is not None).since, col(Demand.id)),
    }
    return Order(columns[sort.value.removeprefix("-")], descending=descending)


def _conditions(session: Session, actor: Actor, filters: DemandCriteria) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    now = standing(filters.as_of is not None)
    today = filters.as_of or clock.today()
    if filters.campaign:
        found.append(
            col(Demand.campaign_id).in_([c.id for c in campaigns_named(session, filters.campaign, "query.campaign")])
        )
    if filters.kind:
        found.append(col(Demand.kind_id).in_([k.id for k in kinds_named(session, filters.kind, "query.kind")]))
    if filters.status:
        found.append(now.status.in_(filters.status))
    if filters.group:
        found.append(now.status.in_([status for group in filters.group for status in statuses_in(group)]))
    if filters.body:
        bodies = with_descendants(session, filters.body, "query.body")
        found.append(col(Demand.id).in_(select(col(Target.demand_id)).where(col(Target.body_id).in_(bodies))))
    if filters.issuer:
        issuers = [o.id for o in organizations_named(session, actor, filters.issuer, "query.issuer")]
        found.append(col(Demand.id).in_(select(col(Issuer.demand_id)).where(col(Issuer.organization_id).in_(issuers))))
    if filters.source:
        sources = [s.id for s in sources_named(session, actor, filters.source, "query.source")]
        found.append(col(Demand.id).in_(select(col(Citation.demand_id)).where(col(Citation.source_id).in_(sources))))
    if filters.tag:
        found.append(col(Demand.id).in_(select(col(Tag.demand_id)).where(col(Tag.tag).in_(filters.tag))))
    if filters.publication:
        found.append(col(Demand.publication).in_(filters.publication))
    if filters.q:
        found.append(mentions(session, filters.q))
    if filters.disputed is not None:
        found.append(now.disputed.is_(filters.disputed))
    if filters.updated_since:
        found.append(col(Demand.updated_at) >= filters.updated_since)
    if filters.overdue is not None:
        found.append(_either(overdue(now.status, today), filters.overdue))
    if filters.stale is not None:
        found.append(_either(stale(session, now.status, today), filters.stale))
    if filters.no_response is not None:
        found.append(_either(no_response(session, now.status, filters.as_of), filters.no_response))
    return found


def _either(condition: ColumnElement[bool], wanted: bool) -> ColumnElement[bool]:
    return condition if wanted else not_(condition)


def overdue(status: Any, today: datetime.date) -> ColumnElement[bool]:
    """The last day of the deadline has passed and nothing settled it. A month is over when its last day is."""
    deadline: Any = col(Demand.deadline)
    passed = or_(
        and_(func.length(deadline) == 10, deadline < today.isoformat()),
        and_(func.length(deadline) == 7, deadline < today.isoformat()[:7]),
        and_(func.length(deadline) == 4, deadline < today.isoformat()[:4]),
    )
    return and_(_unsettled(status), deadline.is_not(None), deadline < today.isoformat(), passed)


def stale(session: Session, status: Any, today: datetime.date) -> ColumnElement[bool]:
    """Nobody has checked for longer than the campaign's review interval, or ever."""
    checked = col(Demand.last_checked_on)
    return and_(
        status.not_in(statuses_in(Group.CLOSED)),
        _by_interval(session, today, lambda day: or_(checked.is_(None), checked < day)),
    )


def review_due(session: Session, status: Any, today: datetime.date) -> ColumnElement[bool]:
    """The campaign's review interval has passed since the last check, or since it was recorded where there is none."""
    checked = col(Demand.last_checked_on)

    def longer_ago(day: datetime.date) -> ColumnElement[bool]:
        midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
        return or_(checked < day, and_(checked.is_(None), col(Demand.created_at) < midnight))

    return and_(status.not_in(statuses_in(Group.CLOSED)), _by_interval(session, today, longer_ago))


def no_response(session: Session, status: Any, as_of: datetime.date | None) -> ColumnElement[bool]:
    """Made longer ago than the campaign's interval, and no target has said anything."""
    made: Any = col(Demand.first_made_on)
    waited_since = _days_back(session, as_of or clock.today())
    if not waited_since:
        return false()
    # No range that an index could serve: most demands are old enough, and these are walked in the list's own order.
    long_ago = made < case({key: day.isoformat() for key, day in waited_since.items()}, value=col(Demand.campaign_id))
    return and_(_unsettled(status), long_ago, not_answered(as_of))


def _by_interval(session: Session, today: datetime.date, condition: Any) -> ColumnElement[bool]:
    """A condition on a day that lies each campaign's interval back: one range per interval, which an index serves."""
    campaigns: dict[datetime.date, list[uuid.UUID]] = {}
    for campaign, day in _days_back(session, today).items():
        campaigns.setdefault(day, []).append(campaign)
    ranges = [and_(col(Demand.campaign_id).in_(keys), condition(day)) for day, keys in campaigns.items()]
    return or_(*ranges) if ranges else false()


def _days_back(session: Session, today: datetime.date) -> dict[uuid.UUID, datetime.date]:
    """The day that lies each campaign's review interval back."""
    intervals = session.execute(select(col(Campaign.id), col(Campaign.review_interval_days)))
    return {campaign: today - datetime.timedelta(days=days) for campaign, days in intervals}


def _unsettled(status: Any) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = status.not_in([s for s in Status if s.is_settled])
    return condition
