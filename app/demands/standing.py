"""How demands stand: now, which they keep themselves, or on a day that has passed, by the dates of what is recorded.

A coarser date counts from its first day, that of a status change from the first on which it can have happened.
"""

import datetime
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, select
from sqlmodel import col

from app.dates import PartialDate
from app.demands.lifecycle import Answer, ChangeKind
from app.demands.models import Demand, Indicator, Reading, Response, StatusChange, Target


@dataclass(frozen=True)
class Standing:
    """The columns that say how a demand stands: today's own, or those of its last change by a day."""

    status: Any
    since: Any
    verification: Any
    disputed: Any
    confidence: Any


def standing(as_of: bool) -> Standing:
    if not as_of:
        return Standing(
            col(Demand.status),
            col(Demand.status_since),
            col(Demand.verification),
            col(Demand.disputed),
            col(Demand.confidence),
        )
    return Standing(
        col(StatusChange.to_status),
        col(StatusChange.effective_on),
        col(StatusChange.verification),
        col(StatusChange.disputed),
        col(StatusChange.confidence),
    )


def last_change_by(day: datetime.date) -> ColumnElement[bool]:
    """The newest word on the demand among the changes in effect by the day: a correction overrules what it corrects."""
    earlier = StatusChange.__table__.alias("earlier")  # type: ignore[attr-defined]  # set by SQLModel
    newest = (
        select(func.max(earlier.c.number))
        .where(earlier.c.demand_id == col(Demand.id), earlier.c.counts_from <= PartialDate.of(day))
        .scalar_subquery()
    )
    return and_(col(StatusChange.demand_id) == col(Demand.id), col(StatusChange.number) == newest)


def counts_from(change: StatusChange, made_on: PartialDate, before: StatusChange | None) -> PartialDate:
    """The first day of its date on which the change can have happened: not before the demand was made, and not before
    the change that it follows, unless it corrects that.
    """
    day = max(change.effective_on.first_day, made_on.first_day)
    if before and change.kind is ChangeKind.CHANGE:
        day = max(day, before.counts_from.first_day)
    return PartialDate.of(day)


def latest_response(column: Any, day: Any) -> ScalarSelect[Any]:
    """Of the newest response that the target of the enclosing statement gave by the day."""
    own = and_(col(Response.demand_id) == col(Target.demand_id), col(Response.body_id) == col(Target.body_id))
    statement = select(col(column)).where(own, col(Response.dated) <= day)
    newest_first = statement.order_by(col(Response.dated).desc(), col(Response.id).desc())
    return newest_first.limit(1).correlate(Target).scalar_subquery()


def latest_reading(column: Any, day: Any) -> ScalarSelect[Any]:
    """Of the newest reading that the indicator of the enclosing statement had by the day."""
    statement = select(col(column)).where(col(Reading.demand_id) == col(Indicator.demand_id), col(Reading.dated) <= day)
    newest_first = statement.order_by(col(Reading.dated).desc(), col(Reading.id).desc())
    return newest_first.limit(1).correlate(Indicator).scalar_subquery()


def not_answered(as_of: datetime.date | None) -> ColumnElement[bool]:
    """No target has said anything: to this day, which the demand keeps, or by another."""
    if as_of is None:
        return col(Demand.answered).is_(False)
    said = latest_response(Response.response, PartialDate.of(as_of))
    answered = exists().where(col(Target.demand_id) == col(Demand.id), said != Answer.NONE)
    return ~answered.correlate(Demand)  # alone, for a statement that has targets of its own
