"""Whether the ledger is whole, and whether today's tables are what its events tell: what `demands verify` asks."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Dialect, Row, func, select, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col

from app.database import Database
from app.ledger import chain
from app.ledger.models import Event, Head, Image, Subject
from app.ledger.replaying import Replay
from app.ledger.stored import Misstored, StoredColumn, any_bytes
from app.tables import Table

ENTRIES_AT_ONCE = 1_000
KEPT = 100  # of the problems; the others are only counted
DIGESTED = ("salt", "data", "images")  # covered as they are stored
EVENT: SqlTable = Event.__table__  # type: ignore[attr-defined]  # set by SQLModel
HEAD: SqlTable = Head.__table__  # type: ignore[attr-defined]

Progress = Callable[[int, int], None]


@dataclass
class Verified:
    """What was looked at, and what is wrong with it."""

    entries: int = 0
    erased: int = 0  # entries whose data was taken out, as the law may ask; their hashes still hold
    rows: int = 0
    found: int = 0
    problems: list[str] = field(default_factory=list)  # the first of those found

    def add(self, problem: str) -> None:
        self.found += 1
        if len(self.problems) < KEPT:
            self.problems.append(problem)


def verify(database: Database, tables: Sequence[type[Table]], progress: Progress | None = None) -> Verified:
    """Check every entry and every row of the tables, in one snapshot, so that writing may go on meanwhile.

    `progress` is called with how many entries and rows of how many are done.
    """
    result = Verified()
    replay = Replay([model.__table__ for model in tables])  # type: ignore[attr-defined]
    try:
        with database.read() as session, any_bytes(session):
            step = _counted(session, tables, progress)
            _check_entries(session, replay, result, step)
            for difference in replay.differences(session, step.row):
                result.add(difference)
            result.rows = step.rows
            for damage in _damage(session):
                result.add(damage)
    except DatabaseError as error:
        result.add(f"the database cannot be read further: {error.orig}")
    finally:
        replay.close()
    return result


def check_newest(session: Session, count: int) -> list[str]:
    """What is wrong with the chain's last entries, and with the head; quick, however long the chain is."""
    with any_bytes(session):
        newest = int(session.execute(select(func.coalesce(func.max(col(Event.seq)), 0))).scalar_one())
        start = max(newest - count, 0)
        before = session.execute(select(col(Event.hash)).where(col(Event.seq) == start)).scalar()
        links = Links(session.get_bind().dialect, start, before or chain.GENESIS)
        problems = [problem for raw in _entries(session, links, start) for problem in links.check(raw)]
        return problems + list(links.check_head(session))


class Links:
    """The chain, link by link. Values are compared as they are stored, so that no byte can differ unseen."""

    def __init__(self, dialect: Dialect, seq: int = 0, hash: str = chain.GENESIS) -> None:
        self.columns = [StoredColumn(column, dialect) for column in EVENT.columns]
        self.seq = seq
        self.hash = hash  # empty where it cannot be known
        self.erased = 0
        self.entry: dict[str, Any] | None = None  # the one just checked, where it could be understood
        self.images: list[Image] = []  # of that one, where they are what was recorded

    def check(self, raw: Row[Any]) -> Iterator[str]:
        """The next entry's problems."""
        if raw.seq != self.seq + 1:
            yield f"entries are missing between {self.seq} and {raw.seq}"
            self.hash = ""
        where = f"entry {raw.seq}"
        self.entry = dict(raw._mapping)
        self.images = []
        for column in self.columns:
            if column.name in DIGESTED:
                continue
            try:
                self.entry[column.name] = column.value(self.entry[column.name])
            except Misstored:
                yield f"{where}: {column.name} is not stored as it was written"
                self.entry = None
                break
        if self.entry:
            yield from (f"{where}: {problem}" for problem in self._check(raw, self.entry))
        self.seq, self.hash = raw.seq, raw.hash if isinstance(raw.hash, str) else ""

    def _check(self, raw: Row[Any], entry: dict[str, Any]) -> Iterator[str]:
        content = (raw.salt, raw.data, raw.images)
        if content == (None, None, None):
            self.erased += 1
        elif None in content:
            yield "a part of its data is gone"
        elif _digest(*content) == raw.data_digest:
            self.images = json.loads(raw.images)
        else:
            yield "its data is not what was recorded"
        if self.hash and chain.extend(self.hash, entry) != raw.hash:
            yield "its hash is not that of its content and the entry before"

    def check_head(self, session: Session) -> Iterator[str]:
        head = session.execute(select(HEAD)).one_or_none()
        if head is None:
            yield "the ledger has no head"
        elif (head.seq, head.hash) != (self.seq, self.hash):
            yield f"the ledger's head is at entry {head.seq}, and is not what the last entry, {self.seq}, leads to"


def _digest(salt: str, data: str, images: str) -> str | None:
    try:
        return chain.digest(salt, data, images)
    except UnicodeError:
        return None


@dataclass
class _Steps:
    total: int
    tell: Progress
    done: int = 0
    rows: int = 0

    def entries(self, count: int) -> None:
        self.done += count
        self.tell(self.done, self.total)

    def row(self) -> None:
        self.rows += 1
        self.done += 1
        if self.done % ENTRIES_AT_ONCE == 0 or self.done == self.total:
            self.tell(self.done, self.total)


def _counted(session: Session, tables: Sequence[type[Table]], progress: Progress | None) -> _Steps:
    counted: list[Any] = [Event, Subject, *tables]
    total = sum(session.execute(select(func.count()).select_from(table)).scalar_one() for table in counted)
    return _Steps(total, progress or (lambda done, total: None))


def _check_entries(session: Session, replay: Replay, result: Verified, step: _Steps) -> None:
    links = Links(session.get_bind().dialect)
    for number, raw in enumerate(_entries(session, links), start=1):
        for problem in links.check(raw):
            result.add(problem)
        replay.apply(links.images)
        if links.entry and links.entry["subject"] and links.entry["visible_to"]:
            replay.show(links.entry["subject"], links.entry["visible_to"])
        if number % ENTRIES_AT_ONCE == 0:
            step.entries(ENTRIES_AT_ONCE)
        result.entries = number
    step.entries(result.entries % ENTRIES_AT_ONCE)
    result.erased = links.erased
    for problem in links.check_head(session):
        result.add(problem)


def _entries(session: Session, links: Links, after: int = 0) -> Iterator[Row[Any]]:
    """In the order of their numbers, some at a time, as they are stored."""
    statement = select(*(column.raw for column in links.columns)).order_by(EVENT.c.seq).limit(ENTRIES_AT_ONCE)
    while chunk := session.execute(statement.where(EVENT.c.seq > after)).all():
        yield from chunk
        after = chunk[-1].seq


def _damage(session: Session) -> Iterator[str]:
    """SQLite's own check of its file: indexes, constraints, free pages."""
    if session.get_bind().dialect.name != "sqlite":
        return
    for (finding,) in session.execute(text(f"PRAGMA integrity_check({KEPT})")):
        if finding != "ok":
            yield f"the database file: {finding}"
