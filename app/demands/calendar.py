"""Deadlines, next reviews and planned steps of a list of demands, for calendars (iCalendar, RFC 5545)."""

import datetime
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from urllib.parse import urlsplit

from icalendar import STATUS, Calendar, Event, Timezone, vText
from sqlalchemy import select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.campaigns.models import Campaign
from app.campaigns.queries import campaigns_named
from app.database import Database
from app.dates import PartialDate
from app.demands import queries
from app.demands.filters import DemandFilter, Sort
from app.demands.models import Demand, Milestone
from app.demands.reads import DemandPage, DemandRead
from app.ledger.telling import name_of_all
from app.ledger.words import in_words
from app.paging import MAX_LIMIT

END = b"END:VCALENDAR\r\n"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")  # no part of a text (RFC 5545, section 3.3.11)


@dataclass(frozen=True)
class Planned:
    """A demand with what else its entries are made of."""

    demand: DemandRead
    campaign: Campaign
    milestones: list[Milestone]


def written(database: Database, actor: Actor, query: DemandFilter, own: str) -> Iterator[bytes]:
    """The calendar, page by page, at its own address; raises Invalid for a wrong filter before anything is given."""
    host = urlsplit(own).hostname or "localhost"
    pages = _pages(database, actor, query)
    first = next(pages)
    narrowed_to = in_words(query.model_dump(mode="json", exclude_none=True, exclude_defaults=True))
    return _written(_head(name_of_all(narrowed_to), own), chain([first], pages), host)


def _written(head: bytes, pages: Iterable[list[Planned]], host: str) -> Iterator[bytes]:
    yield head
    for page in pages:
        yield b"".join(event.to_ical() for planned in page for event in _events(planned, host))
    yield END


def _pages(database: Database, actor: Actor, query: DemandFilter) -> Iterator[list[Planned]]:
    """Each in a transaction of its own: a slow reader holds nothing open."""
    query = query.model_copy(update={"limit": MAX_LIMIT})
    while True:
        with database.read() as session:
            page: DemandPage = queries.list_demands(session, actor, query, Sort.REF)
            planned = _planned(session, page.items)
        yield planned
        if page.next_cursor is None:
            return
        query = query.model_copy(update={"cursor": page.next_cursor})


def _planned(session: Session, demands: list[DemandRead]) -> list[Planned]:
    slugs = list({demand.campaign for demand in demands})
    campaigns = dict(zip(slugs, campaigns_named(session, slugs, "campaign"), strict=True))
    milestones = _milestones(session, [demand.ref for demand in demands])
    return [Planned(demand, campaigns[demand.campaign], milestones[demand.ref]) for demand in demands]


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


def _head(name: str, own: str) -> bytes:
    """The time zone is there because a calendar needs a component to be one (RFC 5545, section 3.6)."""
    calendar = Calendar()
    calendar.add("prodid", "-//Demand Tracker//Demands//EN")
    calendar.add("version", "2.0")
    calendar.add("name", vText(_text(name)))
    calendar.add("x-wr-calname", vText(_text(name)))  # what programs knew before RFC 7986
    calendar.add("source", own, parameters={"VALUE": "URI"})
    calendar.add("refresh-interval", datetime.timedelta(hours=6), parameters={"VALUE": "DURATION"})
    calendar.add_component(_utc())
    head: bytes = calendar.to_ical().removesuffix(END)
    return head


@cache
def _utc() -> Timezone:
    utc = Timezone.from_tzid("UTC")
    utc.pop("comment", None)  # that it ends in 2038, which holds for others
    return utc


def _events(planned: Planned, host: str) -> Iterator[Event]:
    demand = planned.demand
    if demand.deadline:
        yield _event(demand, f"{demand.ref}-deadline@{host}", "deadline", demand.deadline)
    if demand.next_review_on and not demand.status.is_closed:
        yield _review(planned, PartialDate.of(demand.next_review_on), host)
    for milestone in planned.milestones:
        on = milestone.done_on or milestone.planned_on
        if on:
            yield _step(demand, milestone, on, host)


def _review(planned: Planned, on: PartialDate, host: str) -> Event:
    """The campaign's interval moves it, too, so it is as new as both and counts the versions of both."""
    demand, campaign = planned.demand, planned.campaign
    event = _event(demand, f"{demand.ref}-review@{host}", "to be checked again", on)
    event.sequence += campaign.version
    event.DTSTAMP = event.LAST_MODIFIED = max(demand.updated_at, campaign.updated_at)
    return event


def _step(demand: DemandRead, milestone: Milestone, on: PartialDate, host: str) -> Event:
    what = "step done" if milestone.done_on else "planned step"
    event = _event(demand, f"{milestone.id}@{host}", f"{what}, {milestone.title}", on)
    if milestone.done_on:
        event.status = STATUS.CONFIRMED  # it did happen, whatever became of the demand
    return event


def _event(demand: DemandRead, uid: str, what: str, on: PartialDate) -> Event:
    """All day; a month or a year falls on its last day, as a deadline does, and says what it is."""
    is_coarse = on.first_day != on.last_day
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", demand.updated_at)
    event.add("last-modified", demand.updated_at)
    event.add("sequence", demand.version)
    event.add("dtstart", on.last_day)
    event.add("summary", _text(f"{demand.ref}: {what}{f' (some time in {on})' if is_coarse else ''}"))
    event.add("description", _text(f"{demand.title}\nStatus: {demand.status.replace('_', ' ')}\n{demand.url}"))
    event.add("url", demand.url)
    event.add("categories", [demand.campaign, demand.kind])
    event.add("transp", "TRANSPARENT")
    event.add("status", "CANCELLED" if demand.status.is_closed else "CONFIRMED")
    return event


def _text(text: str) -> str:
    return _CONTROL.sub("", text)
