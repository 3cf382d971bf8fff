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
from app.ledger.words import in_words
from app.paging import Cursor, Limit, PageQuery, decode, digest, encode
from app.problems import NotFound

_PLACES = {
    "demand": "demands",
    "body": "bodies",
    "campaign": "campaigns",
    "organization": "organizations",
    "source": "sources",
}


class SyndicationQuery(EventFilter):
    limit: Limit = 50
    cursor: Cursor = None


@dataclass(frozen=True)
class Entry:
    id: uuid.UUID
    title: str
    text: str
    address: str | None  # below the base URL; none where that would answer 404
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
    words = query.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True, exclude_defaults=True)
    wanted = selection(session, actor, query)
    scope = digest(["feed", words])
    views = reading.newest(session, ledger_gate(actor), query.limit + 1, wanted, _before(query.cursor, scope))
    return _feed(session, actor, in_words(words), views, query.limit, scope)


def check_demand(session: Session, actor: Actor, ref: str) -> None:
    """Raises NotFound where the actor may be told nothing of it, not even that it was taken from view."""
    if not reading.newest_about(session, ledger_gate(actor), f"demand:{ref}", limit=1):
        raise NotFound(f"There is no demand {ref}.")


def of_demand(session: Session, actor: Actor, ref: str, query: PageQuery) -> Feed:
    """For a demand that has been checked; all that is left of one taken from view is the notice of that."""
    scope = digest(["feed", ref])
    before = _before(query.cursor, scope)
    views = reading.newest_about(session, ledger_gate(actor), f"demand:{ref}", query.limit + 1, before)
    title = next(filter(None, map(_title, views)), None)
    return _feed(session, actor, f"{ref}: {title}" if title else ref, views, query.limit, scope)


def _before(cursor: str | None, scope: str) -> int | None:
    return decode(cursor, scope, [col(Event.seq)])[0] if cursor else None


def _feed(
    session: Session, actor: Actor, what: str, views: Sequence[reading.EventView], limit: int, scope: str
) -> Feed:
    shown = views[:limit]
    more = len(views) > limit
    unseen = reading.unseen(session, actor.audience, filter(None, map(_subject, shown)))
    return Feed(
        title=telling.name_of_all(what),
        entries=[_entry(view, _subject(view) not in unseen) for view in shown],
        next_cursor=encode(scope, [shown[-1].seq]) if more else None,
    )


def _entry(view: reading.EventView, can_be_seen: bool) -> Entry:
    sentence = telling.sentence(view.type, view.data)
    title = _title(view)
    return Entry(
        id=view.id,
        title=telling.in_a_line(f"{view.demand}: {sentence}" if view.demand else sentence),
        text=f"{title}\n\n{sentence}" if title else sentence,
        address=address(view) if can_be_seen else None,
        published=view.recorded_at,
        updated=view.erased_at or view.recorded_at,
        author=view.actor.get("organization"),
        categories=[view.type, *([view.campaign] if view.campaign else [])],
    )


def address(view: reading.EventView) -> str:
    """Where to read on, below the base URL."""
    noun, _, name = (_subject(view) or "").partition(":")
    return f"/api/v1/{_PLACES[noun]}/{name}" if name else "/"


def _subject(view: reading.EventView) -> str | None:
    """Such as `demand:NK-4`, of what has a place of its own."""
    if view.demand:
        return f"demand:{view.demand}"
    noun = view.type.partition(".")[0]
    slug = ((view.data or {}).get(noun) or {}).get("slug")
    return f"{noun}:{slug}" if slug and noun in _PLACES else None


def _title(view: reading.EventView) -> str | None:
    """Of the demand, as far as it is told."""
    return ((view.data or {}).get("demand") or {}).get("title")
