"""How many demands stood in each group at the end of each month, and how many moved in it."""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import String, select, type_coerce
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.dates import PartialDate
from app.demands.filters import narrow
from app.demands.lifecycle import ChangeKind, Group, Status
from app.demands.models import Demand, StatusChange
from app.problems import invalid
from app.statistics.queries import tally
from app.statistics.schemas import Timeline, TimelineMonth, TimelineQuery

MOST_MONTHS = 600
NEVER = "9999-99-99"  # later than every day
GROUPS: dict[str | None, str] = {status.value: status.group.value for status in Status}  # plain text counts fastest

Month = int  # since the year 0: a number to count with


def trace(session: Session, actor: Actor, query: TimelineQuery) -> Timeline:
    """Month by month up to today, or to the day of `as_of`.

    Raises Invalid for a range that is none or too long, and for a filter value which does not exist.
    """
    today = min(query.as_of or clock.today(), clock.today())
    course = _follow(_changes(session, actor, query, today))
    return Timeline(items=list(_months(course, _range(query, course, today), today)))


class _Course:
    """By month and group: how many more demands stand there than in the month before, and how many moved there."""

    def __init__(self) -> None:
        self.balance: dict[Month, Counter[str]] = defaultdict(Counter)
        self.moved: dict[Month, Counter[str]] = defaultdict(Counter)


def _changes(session: Session, actor: Actor, query: TimelineQuery, today: datetime.date) -> Iterable[Any]:
    """Demand by demand, the newest word on it first."""
    shown = narrow(select(col(Demand.id)), session, actor, query)
    statement = (
        select(
            col(StatusChange.demand_id),
            *(
                type_coerce(col(c), String)
                for c in (
                    StatusChange.counts_from,
                    StatusChange.kind,
                    StatusChange.from_status,
                    StatusChange.to_status,
                )
            ),
        )
        .where(col(StatusChange.demand_id).in_(shown), col(StatusChange.counts_from) <= PartialDate.of(today))
        .order_by(col(StatusChange.demand_id), col(StatusChange.number).desc())
    )
    return session.execute(statement)


def _follow(changes: Iterable[Any]) -> _Course:
    """A change stands from its day until that of the earliest among all that were recorded after it.

    So the highest number among those in effect by a day stands on it, which is what `as_of` says. What a correction
    overrules from its first day on has not happened, and is no movement either.
    """
    course = _Course()
    last = None
    for demand, since, kind, before, after in changes:
        if demand != last:
            last, until, corrected = demand, NEVER, NEVER
        if since < until:
            course.balance[_month(since)][GROUPS[after]] += 1
            course.balance[_month(until)][GROUPS[after]] -= 1
            until = since
        if kind == ChangeKind.CORRECTION:
            corrected = min(corrected, since)
        elif since < corrected and GROUPS.get(before) != GROUPS[after]:
            course.moved[_month(since)][GROUPS[after]] += 1
    course.balance.pop(_month(NEVER), None)
    return course


def _range(query: TimelineQuery, course: _Course, today: datetime.date) -> range:
    last = _month(today.isoformat())
    if query.to:
        last = min(last, _month(query.to))
    if query.from_ is None:
        earliest = min(course.balance, default=last + 1)
        return range(max(earliest, last - MOST_MONTHS + 1), last + 1)
    first = _month(query.from_)
    if first > last:
        raise invalid("query.from", f"the timeline ends with {_written(last)}, which is earlier")
    if first <= last - MOST_MONTHS:
        raise invalid("query.from", f"a timeline has {MOST_MONTHS} months at most")
    return range(first, last + 1)


def _months(course: _Course, months: range, today: datetime.date) -> Iterator[TimelineMonth]:
    standing: Counter[str] = Counter()
    for month in course.balance:
        if month < months.start:
            standing.update(course.balance[month])
    for month in months:
        standing.update(course.balance.get(month, {}))
        yield TimelineMonth(
            month=_written(month),
            on=min(_last_day(month), today),
            **tally({group: standing[group] for group in Group}),
            moved={group: course.moved[month][group] for group in Group},
        )


@lru_cache(maxsize=10_000)
def _month(day: str) -> Month:
    return int(day[:4]) * 12 + int(day[5:7]) - 1


def _written(month: Month) -> str:
    return f"{month // 12:04}-{month % 12 + 1:02}"


def _last_day(month: Month) -> datetime.date:
    return PartialDate(_written(month)).last_day
