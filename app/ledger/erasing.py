"""Taking content out of the ledger, as the law may ask, so that the chain still holds.

An entry's hash covers a salted digest of its data, not the data: without data and salt the chain verifies, and what was
there cannot be guessed. What the emptied entries told of rows is told again by the event that records the erasure.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, func, or_, select, type_coerce, update
from sqlalchemy import Table as SqlTable
from sqlmodel import Session

from app import clock
from app.database import mentions
from app.fields import Audience
from app.ledger.models import Canonical, Event
from app.ledger.sealing import LedgerSession
from app.ledger.selecting import told_by

ENTRIES_AT_ONCE = 500
EVENT: SqlTable = Event.__table__  # type: ignore[attr-defined]  # set by SQLModel
REPEATS_EVENTS = "repeats_events"  # in a table's `info`: what takes the place of what may repeat its `event_id`'s event


@dataclass(frozen=True)
class Erased:
    """An entry as it was found: what it was about, and who may have been sent it."""

    seq: int
    demand: str | None
    thing: tuple[str, str] | None  # what it was about where that is no demand: its noun and its slug
    audience: Audience
    keys: list[str]


def demands_mentioning(session: Session, words: str) -> set[str]:
    """The refs of the demands that have an entry with the words."""
    refs = select(EVENT.c.demand).where(_mentions(words), EVENT.c.demand.is_not(None)).distinct()
    return set(session.connection().scalars(refs))


def count_mentions(session: Session, words: str) -> int:
    """How many entries `erase_mentions` would empty."""
    statement = select(func.count()).select_from(EVENT).where(_mentions(words))
    return session.connection().execute(statement).scalar_one()


def erase_mentions(session: Session, words: str) -> list[Erased]:
    """Empty every entry whose data or images mention the words; returns what they were.

    The same transaction must record an event, which will carry the rows as they are then.
    """
    assert isinstance(session, LedgerSession)
    erased: list[Erased] = []
    while entries := _mentioning(session, words):
        for entry in entries:
            session.tell_again(entry.images)
        erased += [
            Erased(entry.seq, entry.demand, _thing(entry), entry.audience, entry._mapping["keys"]) for entry in entries
        ]
        numbers = [entry.seq for entry in entries]
        emptied = update(EVENT).where(EVENT.c.seq.in_(numbers))
        session.connection().execute(emptied.values(data=None, images=None, salt=None, erased_at=clock.now()))
        _erase_repetitions(session, [entry.id for entry in entries])
    return erased


def told_keys(erased: Iterable[Erased], audience: Audience) -> set[str]:
    """By which anyone may have been sent the entries, as an entry for this audience has it."""
    return told_by(((entry.audience, entry.keys) for entry in erased), audience)


def _erase_repetitions(session: Session, events: list[uuid.UUID]) -> None:
    for table in EVENT.metadata.sorted_tables:
        if REPEATS_EVENTS in table.info:
            rows = update(table).where(table.c.event_id.in_(events))
            session.connection().execute(rows.values(table.info[REPEATS_EVENTS]))


def _thing(entry: Row[Any, Any]) -> tuple[str, str] | None:
    noun = entry.type.partition(".")[0]
    told = entry.data.get(noun)
    return (noun, told["slug"]) if entry.demand is None and isinstance(told, dict) and "slug" in told else None


def _mentioning(session: Session, words: str) -> list[Row[Any, Any]]:
    statement = select(EVENT).where(_mentions(words)).order_by(EVENT.c.seq).limit(ENTRIES_AT_ONCE)
    return list(session.connection().execute(statement).all())


def _mentions(words: str) -> ColumnElement[bool]:
    written = Canonical.of(words)[1:-1]  # as it stands inside a canonical text
    return or_(*(mentions(type_coerce(column, Text), written) for column in (EVENT.c.data, EVENT.c.images)))
