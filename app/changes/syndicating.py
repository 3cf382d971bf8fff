"""The newest changes for feed readers: which entries, how they are told, and where the older ones are."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.audience import ledger_gate
from app.changes.filtering import EventFilter, selection
from app.ledger import reading, telling
from app.ledger.models import Event
from app.paging import Cursor, Limit, PageQuery, decode, digest, encode
from app.problems import NotFound

LONGEST_TITLE = 140
_PLACES = {"body": "bodies", "campaign": "campaigns", "organization": "organizations", "source": "sources"}


class SyndicationQuery(EventFilter):
    limit: Limit = 50
    cursor: Cursor = None


@dataclass(frozen=True)
class Entry:
    id: uuid.UUID
    title: str
    text: str
    address: str  # below the base URL
    published: datetime.datetime
    updated: datetime.datetime
    author: str | None
    categories: list[str]


@dataclass(frozen=True)
class Feed:
    title: str
    entries: list[Entry]
    next_cursor: str | None


def of_everything(session: Session, actor: Actor, query: SyndicationQuery) -> Feed:
    """One page, newest first; raises Invalid for a wrong filter or a cursor from elsewhere."""
    words = query.model_dump(exclude={"limit", "cursor"}, exclude_none=True, exclude_defaults=True)
    wanted = selection(session, actor, query)
    scope = digest(["feed", words])
    views = reading.newest(session, ledger_gate(actor), query.limit + 1, wanted, _before(query.cursor, scope))
    told = "; ".join(f"{word} {_listed(value)}" for word, value in words.items())
    return _feed(f"Demand Tracker: {told}" if told else "Demand Tracker", views, query.limit, scope)


def check_demand(session: Session, actor: Actor, ref: str) -> None:
    """Raises NotFound where the actor may be told nothing of it, not even that it was taken from view."""
    if not reading.newest_about(session, ledger_gate(actor), f"demand:{ref}", limit=1):
        raise NotFound(f"There is no demand {ref}.")


def of_demand(session: Session, actor: Actor, ref: str, query: PageQuery) -> Feed:
    """For a demand that has been checked; all that is left of one taken from view is the notice of that."""
    scope = digest(["feed", ref])
    before = _before(query.cursor, scope)
    views = reading.newest_about(session, ledger_gate(actor), f"demand:{ref}", query.limit + 1, before)
    return _feed(f"Demand Tracker: {ref}", views, query.limit, scope)


def _before(cursor: str | None, scope: str) -> int | None:
    return decode(cursor, scope, [col(Event.seq)])[0] if cursor else None


def _feed(title: str, views: Sequence[reading.EventView], limit: int, scope: str) -> Feed:
    shown = views[:limit]
    more = len(views) > limit
    return Feed(title, [_entry(view) for view in shown], encode(scope, [shown[-1].seq]) if more else None)


def _entry(view: reading.EventView) -> Entry:
    sentence = telling.sentence(view.type, view.data)
    demand = (view.data or {}).get("demand") or {}
    title = f"{view.demand}: {sentence}" if view.demand else sentence
    text = f"{demand['title']}\n\n{sentence}" if demand.get("title") else sentence
    return Entry(
        id=view.id,
        title=title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1].rstrip()}…",
        text=text,
        address=address(view),
        published=view.recorded_at,
        updated=view.erased_at or view.recorded_at,
        author=view.actor.get("organization"),
        categories=[view.type, *([view.campaign] if view.campaign else [])],
    )


def address(view: reading.EventView) -> str:
    """Where to read on, below the base URL."""
    if view.demand:
        return f"/api/v1/demands/{view.demand}"
    noun = view.type.partition(".")[0]
    slug = ((view.data or {}).get(noun) or {}).get("slug")
    return f"/api/v1/{_PLACES[noun]}/{slug}" if slug and noun in _PLACES else "/"


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value).lower()
