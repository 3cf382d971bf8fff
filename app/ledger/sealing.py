"""How facts become entries: collected while the transaction runs, sealed as its very last step.

Taking the head's lock last makes the order of the entries the order of the commits, without gaps, while the lock is
held only from there to the commit, however long the transaction was.
"""

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import bindparam, event, insert, update
from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from app import clock
from app.database import Database, WriteSession
from app.fields import Audience
from app.ledger import chain
from app.ledger.images import absence_in, absence_of, image_of, row_of
from app.ledger.models import Canonical, Event, Head, Image, Subject
from app.ledger.types import EVENT_TYPES, FOR_STAFF
from app.notifying import notify
from app.settings import Settings
from app.tables import Table, new_id

# Made once: the lock of the head is held meanwhile.
_HEAD = select(col(Head.seq), col(Head.hash)).with_for_update()
_ADVANCE = update(Head)
_APPEND = insert(Event)
_SUBJECT = select(col(Subject.visible_to)).where(col(Subject.key) == bindparam("subject"))


class Acting(Protocol):
    """Whoever acts: an organisation, and for the staff's eyes a person and a key."""

    @property
    def attribution(self) -> dict[str, str | None]: ...


@dataclass(frozen=True)
class About:
    """What a fact is about: a demand, or a thing of its own (a body, a source)."""

    keys: Iterable[str]  # what filters match: `kind:un_mission`, `body:un`
    campaign: str | None = None
    demand: str | None = None
    thing: str | None = None  # of its own: `source:ocha-2023-report`
    visible_to: Audience | None = None  # who may see the subject, from now on

    @property
    def subject(self) -> str | None:
        """What hides the entry when it is hidden itself; a body, which everyone may see, is none."""
        return f"demand:{self.demand}" if self.demand else self.thing


@dataclass(frozen=True)
class Fact:
    type: str
    actor: dict[str, str | None]
    about: About
    audience: Audience
    notice: bool
    data: dict[str, Any]
    id: uuid.UUID = field(default_factory=new_id)


class UnrecordedChange(Exception):
    """A row that readers can see was changed by a transaction that records no event: a bug, so nothing is committed."""


class LedgerSession(WriteSession):
    """A write session that seals what was recorded in it, and lets no visible change pass unrecorded."""

    def __init__(self, bind: Engine, **options: Any) -> None:
        super().__init__(bind, **options)
        self.facts: list[Fact] = []
        self._changed: dict[int, tuple[Table, bool]] = {}
        self._lost: list[Image] = []

    def before_commit(self) -> bool:
        self.flush()
        if self._changed and not self.facts:
            tables = sorted({type(row).__name__ for row, _ in self._changed.values()})
            raise UnrecordedChange(f"Changed without an event: {', '.join(tables)}.")
        if not self.facts:
            return False
        self._seal(self._images())
        return True

    def _seal(self, images: list[Image]) -> None:
        self._follow_subjects()
        drafts = [_draft(fact, images if fact is self.facts[-1] else []) for fact in self.facts]
        notify(self)
        connection = self.connection()
        seq, previous = connection.execute(_HEAD).one()
        recorded_at = clock.now()
        entries = []
        for entry in drafts:
            entry |= {"seq": seq + 1, "recorded_at": recorded_at}
            entry["hash"] = chain.extend(previous, entry)
            seq, previous = entry["seq"], entry["hash"]
            entries.append(entry)
        connection.execute(_ADVANCE, {"seq": seq, "hash": previous})
        connection.execute(_APPEND, entries)

    def _follow_subjects(self) -> None:
        """The rows of the subjects themselves are locked by whoever changes who sees them."""
        now = {fact.about.subject: fact.about.visible_to for fact in self.facts}
        connection = self.connection()
        for key, visible_to in now.items():
            if key and visible_to:
                before = connection.scalars(_SUBJECT, {"subject": key}).one_or_none()
                if before is None:
                    connection.execute(insert(Subject), {"key": key, "visible_to": visible_to})
                elif before is not visible_to:
                    connection.execute(update(Subject).where(col(Subject.key) == key).values(visible_to=visible_to))

    def tell_again(self, images: list[Image]) -> None:
        """Let the next entry carry these rows as they are now, or say that they are gone."""
        for image in images:
            row = row_of(self, image)
            if row:
                self._changed[id(row)] = (row, False)
            else:
                self._lost.append(absence_in(image))

    def _images(self) -> list[Image]:
        changed = [absence_of(row) if deleted else image_of(row) for row, deleted in self._changed.values()]
        return [*self._lost, *changed]

    def note_flushed(self) -> None:
        for row in (*self.new, *self.dirty):
            if getattr(row, "ledgered", False) and (row in self.new or self.is_modified(row)):
                self._changed[id(row)] = (row, False)
        for row in self.deleted:
            if getattr(row, "ledgered", False):
                self._changed[id(row)] = (row, True)


@event.listens_for(LedgerSession, "after_flush")
def _note(session: LedgerSession, _: object) -> None:
    session.note_flushed()


def open_database(settings: Settings) -> Database:
    """The database as everyone should open it: no commit escapes the ledger."""
    return Database(settings, LedgerSession)


def record(
    session: Session,
    actor: Acting,
    type: str,
    about: About,
    *,
    audience: Audience,
    notice: bool = False,
    **data: Any,
) -> uuid.UUID:
    """Collect a fact; it becomes an entry when the write block ends. Returns the id of the event to be."""
    if not isinstance(session, LedgerSession):
        raise TypeError("Facts are recorded in a session from `database.write()`.")
    if type not in EVENT_TYPES:
        raise ValueError(f"There is no event type {type}; add it to the catalogue in `app.ledger.types` first.")
    if type in FOR_STAFF and audience is not Audience.STAFF:
        raise ValueError(f"{type} is for staff: `app.ledger.types` says so, and others are refused who ask for it.")
    fact = Fact(type, actor.attribution, about, audience, notice, data)
    session.facts.append(fact)
    return fact.id


def _draft(fact: Fact, images: list[Image]) -> dict[str, Any]:
    """An entry but for what only the head can tell: its number, its moment and its hash."""
    salt = secrets.token_hex(16)
    data, rows = Canonical.of(fact.data), Canonical.of(images)
    return {
        "id": fact.id,
        "type": fact.type,
        "actor": fact.actor,
        "campaign": fact.about.campaign,
        "demand": fact.about.demand,
        "subject": fact.about.subject,
        "audience": fact.audience,
        "visible_to": fact.about.visible_to,
        "notice": fact.notice,
        "keys": sorted({f"type:{fact.type}", *fact.about.keys}),
        "data": data,
        "images": rows,
        "salt": salt,
        "data_digest": chain.digest(salt, data, rows),
    }
