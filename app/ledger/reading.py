"""Reading the ledger: always through a gate, in order, from a cursor."""

import datetime
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import ColumnElement, Row, Select, bindparam, select
from sqlmodel import Session, col

from app.fields import Audience
from app.ledger.models import Event, Head, Subject
from app.ledger.selecting import EVERY_EVENT, Selection, told_by
from app.problems import Gone, invalid

START = ("", "0")
END = "now"
AFTER = "`next_cursor` of the answer before; `now` for what comes from here on; `0` or nothing for the beginning."
COLUMNS = (  # as much of events as `views` takes
    col(Event.seq),
    col(Event.id),
    col(Event.type),
    col(Event.recorded_at),
    col(Event.actor),
    col(Event.campaign),
    col(Event.demand),
    col(Event.subject),
    col(Event.audience),
    col(Event.notice),
    col(Event.data),
    col(Event.erased_at),
)
_HEAD = select(col(Head.epoch), col(Head.seq), col(Head.hash))


@dataclass(frozen=True, eq=False)
class Gate:
    """What of the ledger a reader may see. `accounts.audience` makes one for each circle; statements are kept by it."""

    circle: Audience
    condition: ColumnElement[bool]  # on events outer-joined to their subjects


class EventView(BaseModel):
    """An entry as a reader sees it."""

    seq: int
    id: uuid.UUID
    type: str
    recorded_at: AwareDatetime
    actor: dict[str, str | None]
    campaign: str | None
    demand: str | None
    audience: Audience
    data: dict[str, Any] | None
    erased_at: Annotated[datetime.datetime | None, Field(exclude=True)] = None


class HeadView(BaseModel):
    """Where the ledger ends."""

    epoch: str
    seq: int
    hash: str


@dataclass(frozen=True)
class Entry:
    """An entry with what a selection compares."""

    view: EventView
    keys: list[str]
    notice: bool


@dataclass(frozen=True)
class Slice:
    """Entries after a cursor, and the cursor after them: it skips what the reader may not see."""

    items: list[EventView]
    reached: int
    next_cursor: str
    head: int


def head(session: Session) -> HeadView:
    row = session.connection().execute(_HEAD).one()
    return HeadView(epoch=row.epoch, seq=row.seq, hash=row.hash)


def cursor(epoch: str, seq: int) -> str:
    """Opaque to clients: which history, and how far in it."""
    return f"{epoch[:12]}-{seq}"


def position(after: str, here: HeadView, where: str = "query.after") -> int:
    """The seq that a cursor stands at; raises Gone for one of another epoch, Invalid for anything else.

    `where`: its place in the request.
    """
    if after in START:
        return 0
    if after == END:
        return here.seq
    epoch, _, number = after.partition("-")
    if not (epoch.isalnum() and len(epoch) == 12 and number.isascii() and number.isdigit() and len(number) < 19):
        raise invalid(where, "this is no cursor of this feed; take `next_cursor` as it was given")
    if epoch != here.epoch[:12] or int(number) > here.seq:
        raise Gone(
            "The database was restored from a backup since this cursor was given, so it may have skipped or undone "
            "changes. Read the lists again, then go on from `start_again_at`.",
            start_again_at=cursor(here.epoch, here.seq),
        )
    return int(number)


def after(
    session: Session,
    gate: Gate,
    start: int,
    limit: int,
    selection: Selection = EVERY_EVENT,
    to_seq: int | None = None,
) -> Slice:
    """At most `limit` entries after `start`, up to and with `to_seq`, oldest first."""
    here = head(session)
    end = here.seq if to_seq is None else max(start, min(to_seq, here.seq))
    statement = through(gate).where(col(Event.seq) > start, col(Event.seq) <= end, selection.condition())
    events = session.connection().execute(statement.order_by(col(Event.seq)).limit(limit)).all()
    reached = events[-1].seq if len(events) == limit else end
    return Slice(views(session, gate, events), reached, cursor(here.epoch, reached), here.seq)


def between(session: Session, gate: Gate, start: int, end: int) -> list[Entry]:
    """All entries after `start`, up to and with `end`, oldest first, with what tells who wants them."""
    events = session.connection().execute(_stretch(gate), {"start": start, "end": end}).all()
    told = views(session, gate, events)
    return [Entry(view, event.keys, event.notice) for view, event in zip(told, events, strict=True)]


def newest(
    session: Session, gate: Gate, limit: int, selection: Selection = EVERY_EVENT, before: int | None = None
) -> list[EventView]:
    """Newest first."""
    statement = through(gate).where(selection.condition())
    if before is not None:
        statement = statement.where(col(Event.seq) < before)
    events = session.connection().execute(statement.order_by(col(Event.seq).desc()).limit(limit)).all()
    return views(session, gate, events)


def newest_about(session: Session, gate: Gate, subject: str, limit: int, before: int | None = None) -> list[EventView]:
    """Newest first; `subject` as in `demand:NK-4`."""
    statement = through(gate).where(col(Event.subject) == subject)
    if before is not None:
        statement = statement.where(col(Event.seq) < before)
    events = session.connection().execute(statement.order_by(col(Event.seq).desc()).limit(limit)).all()
    return views(session, gate, events)


def has_happened(session: Session, subject: str, type: str) -> bool:
    """Whether there is such an event about the subject, such as `demand:NK-4`."""
    events = select(col(Event.seq)).where(col(Event.subject) == subject, col(Event.type) == type)
    return session.scalars(events.limit(1)).first() is not None


def last_of(session: Session, subject: str, type: str) -> Event | None:
    """The newest such event about the subject, such as `demand:NK-4`."""
    events = select(Event).where(col(Event.subject) == subject, col(Event.type) == type)
    return session.scalars(events.order_by(col(Event.seq).desc()).limit(1)).first()


def told_keys(session: Session, subject: str, audience: Audience) -> set[str]:
    """By which its readers may have been told of a subject, such as `demand:NK-4`, as an entry for them has it."""
    told = session.execute(select(col(Event.audience), col(Event.keys)).where(col(Event.subject) == subject))
    return told_by(((readers, keys) for readers, keys in told), audience)


def is_shown(session: Session, circle: Audience, subject: str) -> bool:
    """Whether the circle may see a subject, such as `demand:NK-4`; what never was is not shown either."""
    found = session.get(Subject, subject)
    return found is not None and found.visible_to in circle.sees


def unseen(session: Session, circle: Audience, subjects: Iterable[str]) -> set[str]:
    """Those of the subjects, such as `demand:NK-4`, that are not in the circle's view."""
    if circle is Audience.STAFF:
        return set()
    named = set(subjects)
    return set(session.connection().scalars(_unseen(circle), {"named": list(named)})) if named else set()


def views(session: Session, gate: Gate, events: Sequence[Row[Any]]) -> list[EventView]:
    """As the gate's circle sees them: without what names a source, organisation or demand that is not in its view."""
    hidden = _hidden(session, gate.circle, events)
    return [_view(event, gate.circle, hidden) for event in events]


def through(gate: Gate) -> Select[Any]:
    """The `COLUMNS` of all entries that may be seen."""
    return select(*COLUMNS).outerjoin(Subject, col(Subject.key) == col(Event.subject)).where(gate.condition)


@cache
def _stretch(gate: Gate) -> Select[Any]:
    """Made once, since making it costs more than running it, and thousands may wait for it."""
    within = (col(Event.seq) > bindparam("start"), col(Event.seq) <= bindparam("end"))
    return through(gate).add_columns(col(Event.keys)).where(*within).order_by(col(Event.seq))


def _view(event: Row[Any], circle: Audience, hidden: set[str]) -> EventView:
    if event.notice:
        hidden = hidden - {event.subject}  # it has to name what it tells of, and says no more
    actor = event.actor if circle is Audience.STAFF else {"organization": event.actor.get("organization")}
    data = _without(event.data, hidden)
    return EventView(
        seq=event.seq,
        id=event.id,
        type=event.type,
        recorded_at=event.recorded_at,
        actor=_without(actor, hidden),
        campaign=event.campaign,
        demand=event.demand,
        audience=event.audience,
        data=data,
        erased_at=event.erased_at,
    )


def _hidden(session: Session, circle: Audience, events: Sequence[Row[Any]]) -> set[str]:
    return unseen(
        session, circle, (key for event in events for part in (event.actor, event.data) for key in _named(part))
    )


@cache
def _unseen(circle: Audience) -> Any:
    """Made once, since making it costs more than running it."""
    unseen = [audience for audience in Audience if audience not in circle.sees]
    among = col(Subject.key).in_(bindparam("named", expanding=True))
    return select(col(Subject.key)).where(among, col(Subject.visible_to).in_(unseen))


def _named(part: Any) -> Iterator[str]:
    """The keys of the sources, organisations and demands that are named anywhere in the data."""
    if isinstance(part, list):
        for item in part:
            yield from _named(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            key = _key(name, value)
            if key:
                yield key
            yield from _named(value)
            if name == "issuers" and isinstance(value, list):
                yield from (f"organization:{issuer['slug']}" for issuer in value)


def _without(part: Any, hidden: set[str]) -> Any:
    """A copy without hidden issuers and citations of hidden sources; what else is hidden is null."""
    if not hidden:
        return part
    if isinstance(part, list):
        return [_without(item, hidden) for item in part if not _is_citation_of(item, hidden)]
    if not isinstance(part, dict):
        return part
    kept: dict[str, Any] = {
        name: None if _key(name, value) in hidden or _is_citation_of(value, hidden) else _without(value, hidden)
        for name, value in part.items()
    }
    issuers = kept.get("issuers")
    if isinstance(issuers, list):
        kept["issuers"] = [i for i in issuers if f"organization:{i['slug']}" not in hidden]
    return kept


def _is_citation_of(item: Any, hidden: set[str]) -> bool:
    return isinstance(item, dict) and _key("source", item.get("source")) in hidden


def _key(name: str, value: Any) -> str | None:
    if name in ("organization", "verified_by") and isinstance(value, str):
        return f"organization:{value}"
    if name == "source" and isinstance(value, dict):
        return f"source:{value.get('slug')}"
    if name == "successor" and isinstance(value, str):
        return f"demand:{value}"
    if name == "relation" and isinstance(value, dict):
        return f"demand:{value.get('ref')}"
    return None
