"""Taking content out of the ledger, as the law may ask, so that the chain still holds.

An entry's hash covers a salted digest of its data, not the data: without data and salt the chain verifies, and what was
there cannot be guessed. What the emptied entries told of rows is told again by the event that records the erasure.
"""

from typing import Any

from sqlalchemy import Row, Text, or_, select, type_coerce, update
from sqlalchemy import Table as SqlTable
from sqlmodel import Session

from app.database import mentions
from app.ledger.models import Canonical, Event
from app.ledger.sealing import LedgerSession

ENTRIES_AT_ONCE = 500
EVENT: SqlTable = Event.__table__  # type: ignore[attr-defined]  # set by SQLModel


def erase_mentions(session: Session, words: str) -> list[int]:
    """Empty every entry whose data or images mention the words; returns their numbers.

    The same transaction must record an event, which will carry the rows as they are then.
    """
    assert isinstance(session, LedgerSession)
    erased: list[int] = []
    while entries := _mentioning(session, words):
        for entry in entries:
            session.tell_again(entry.images)
        numbers = [entry.seq for entry in entries]
        emptied = update(EVENT).where(EVENT.c.seq.in_(numbers)).values(data=None, images=None, salt=None)
        session.connection().execute(emptied)
        erased += numbers
    return erased


def _mentioning(session: Session, words: str) -> list[Row[Any, Any]]:
    written = Canonical.of(words)[1:-1]  # as it stands inside a canonical text
    mention = or_(*(mentions(type_coerce(column, Text), written) for column in (EVENT.c.data, EVENT.c.images)))
    statement = select(EVENT.c.seq, EVENT.c.images).where(mention).order_by(EVENT.c.seq).limit(ENTRIES_AT_ONCE)
    return list(session.connection().execute(statement).all())
