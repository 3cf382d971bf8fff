"""The ledger's entries as they lie in the database, and an arithmetic of their chain that is not the app's own."""

import hashlib
from collections.abc import Sequence

import rfc8785
from sqlmodel import col, select

from app.database import Database
from app.fields import utc
from app.ledger.models import Event, Head

COVERED = (
    "actor", "audience", "campaign", "data_digest", "demand", "keys", "notice", "seq", "subject", "type", "visible_to",
)  # fmt: skip


def entries_of(database: Database) -> Sequence[Event]:
    with database.read() as session:
        return session.exec(select(Event).order_by(col(Event.seq))).all()


def head_of(database: Database) -> Head:
    with database.read() as session:
        return session.exec(select(Head)).one()


def broken_links(database: Database) -> list[int]:
    """The entries whose digest or hash is not what the design says it is; the head's number, if it is not the last."""
    broken, previous = [], "0" * 64
    entries = entries_of(database)
    for entry in entries:
        data, images = (rfc8785.dumps(part).decode() for part in (entry.data, entry.images))
        digest = hashlib.sha256(f"{entry.salt}\n{data}\n{images}".encode()).hexdigest()
        covered = {name: getattr(entry, name) for name in COVERED}
        covered |= {"id": str(entry.id), "recorded_at": utc(entry.recorded_at)}
        link = hashlib.sha256(previous.encode() + rfc8785.dumps(covered)).hexdigest()
        if (entry.data_digest, entry.hash) != (digest, link):
            broken.append(entry.seq)
        previous = entry.hash
    head = head_of(database)
    if (head.seq, head.hash) != (len(entries), previous):
        broken.append(head.seq)
    return broken
