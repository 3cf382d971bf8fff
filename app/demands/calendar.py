"""Deadlines, next reviews and planned steps of a list of demands, for calendars (iCalendar, RFC 5545)."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from urllib.parse import urlsplit

from icalendar import Calendar, Event
from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.database import Database
from app.dates import PartialDate
from app.demands import queries
from app.demands.filters import DemandFilter, Sort
from app.demands.lifecycle import Group
from app.demands.models import Demand, Milestone
from app.demands.reads import DemandPage, DemandRead
from app.paging import MAX_LIMIT

Page = tuple[list[DemandRead], dict[str, list[Milestone]]]
END = b"END:VCALENDAR\r\n"


def written(database: Database, actor: Actor, query: DemandFilter) -> Iterator[bytes]:
    """The calendar, page by page; raises Invalid for a wrong filter before anything is given."""
    host = urlsplit(database.settings.base_url).hostname or "localhost"
    pages = _pages(database, actor, query)
    first = next(pages)
    return _written(chain([first], pages), host)


def _written(pages: Iterable[Page], host: str) -> Iterator[bytes]:
    yield _calendar().to_ical().removesuffix(END)
    for demands, milestones in pages:
        yield b"".join(event.to_ical() for demand in demands for event in _events(demand, milestones[demand.ref], host))
    yield END


def _pages(database: Database, actor: Actor, query: DemandFilter) -> Iterator[Page]:
    """Each in a transaction of its own: a slow reader holds nothing open."""
    query = query.model_copy(update={"limit": MAX_LIMIT})
    while True:
        with database.read() as session:
            page: DemandPage = queries.list_demands(session, actor, query, Sort.REF)
            milestones = _milestones(session, [demand.ref for demand in page.items])
        yield page.items, milestones
        if page.next_cursor is None:
            return
        query = query.model_copy(update={"cursor": page.next_cursor})


def _milestones(session: Session, refs: list[str]) -> dict[str, list[Milestone]]:
    statement = (
        select(col(Demand.ref), Milestone)
        .join(Milestone, col(Milestone.demand_id) == col(Demand.id))
        .where(col(Demand.ref).in_(refs))
        .order_by(col(Milestone.demand_id), col(Milestone.position))
    )
    found: dict[str, list[Milestone]] = defaultdict(list)
    for ref, milestone in session.execute(statement):
        found[ref].append(milestone)
    return found


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Demand Tracker//Demands//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Demand Tracker")
    calendar.add("refresh-interval", datetime.timedelta(hours=6), parameters={"VALUE": "DURATION"})  # RFC 7986
    return calendar


def _events(demand: DemandRead, milestones: list[Milestone], host: str) -> Iterator[Event]:
    if demand.deadline:
        yield _event(demand, f"{demand.ref}-deadline@{host}", "deadline", demand.deadline)
    if demand.next_review_on and demand.status_group is not Group.CLOSED:
        review = PartialDate.of(demand.next_review_on)
        yield _event(demand, f"{demand.ref}-review@{host}", "to be checked again", review)
    for milestone in milestones:
        on = milestone.done_on or milestone.planned_on
        if on:
            what = "step done" if milestone.done_on else "planned step"
            yield _event(demand, f"{milestone.id}@{host}", f"{what}, {milestone.title}", on)


def _event(demand: DemandRead, uid: str, what: str, on: PartialDate) -> Event:
    """All day; a month or a year falls on its last day, as a deadline does, and says what it is."""
    is_coarse = on.first_day != on.last_day
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", demand.updated_at)
    event.add("last-modified", demand.updated_at)
    event.add("sequence", demand.version)
    event.add("dtstart", on.last_day)
    event.add("summary", f"{demand.ref}: {what}{f' (some time in {on})' if is_coarse else ''}")
    event.add("description", f"{demand.title}\nStatus: {demand.status.replace('_', ' ')}\n{demand.url}")
    event.add("url", demand.url)
    event.add("categories", [demand.campaign, demand.kind])
    event.add("transp", "TRANSPARENT")
    event.add("status", "CANCELLED" if demand.status_group is Group.CLOSED else "CONFIRMED")
    return event
