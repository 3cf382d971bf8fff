"""The events applied to nothing must give today's tables: every row, and who may see each subject."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Table as SqlTable
from sqlalchemy import select
from sqlmodel import Session

from app.ledger.images import plain, stored_columns
from app.ledger.models import Image, Subject
from app.ledger.stored import Misstored, StoredColumn

ROWS_AT_ONCE = 1_000
SUBJECT: SqlTable = Subject.__table__  # type: ignore[attr-defined]  # set by SQLModel


class Replay:
    """The rows as the events so far have left them, in a file that SQLite keeps for itself and deletes."""

    def __init__(self, tables: Sequence[SqlTable]) -> None:
        self._tables = {table.name: table for table in (*tables, SUBJECT)}
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute(
            "CREATE TABLE row (name TEXT, key TEXT, image TEXT, PRIMARY KEY (name, key)) WITHOUT ROWID, STRICT"
        )
        self._rows.execute("BEGIN")

    def close(self) -> None:
        self._rows.close()

    def apply(self, images: Sequence[Image]) -> None:
        for image in images:
            table = self._tables.get(image["table"])
            if table is None:
                continue  # a migration has dropped it since
            if "gone" in image:
                self._take(table.name, _key(table, image["gone"]))
            else:
                self._put(table.name, _key(table, image["row"]), image["row"])

    def show(self, subject: str, visible_to: str) -> None:
        self._put(SUBJECT.name, json.dumps([subject]), {"key": subject, "visible_to": visible_to})

    def differences(self, session: Session, step: Callable[[], None]) -> Iterator[str]:
        """What today's tables have otherwise, in words; `step` is called for every row."""
        for table in self._tables.values():
            yield from self._compare(session, table, step)
            for (key,) in self._rows.execute("SELECT key FROM row WHERE name = ?", (table.name,)):
                yield f"{table.name} {_named(table, key)} is missing: by the ledger it should be there"

    def _compare(self, session: Session, table: SqlTable, step: Callable[[], None]) -> Iterator[str]:
        columns = [StoredColumn(column, session.get_bind().dialect) for column in stored_columns(table)]
        statement = select(*(column.raw for column in columns)).execution_options(yield_per=ROWS_AT_ONCE)
        for raw in session.execute(statement):
            step()
            now: dict[str, Any] = {}
            damaged = []
            for column, stored in zip(columns, raw, strict=True):
                try:
                    now[column.name] = plain(column.value(stored))
                except Misstored:
                    damaged.append(column.name)
                    now[column.name] = repr(stored)
            key = _key(table, now)
            image = self._take(table.name, key)
            where = f"{table.name} {_named(table, key)}"
            for name in damaged:
                yield f"{where}: {name} is stored as {now[name]}, which nothing here writes"
            if image is None:
                yield f"{where} is there, but no event made it"
                continue
            for name in image.keys() & now.keys() - set(damaged):  # an image has the columns of its time
                if image[name] != now[name]:
                    yield f"{where}: {name} is {_short(now[name])}; by the ledger it should be {_short(image[name])}"

    def _put(self, name: str, key: str, image: dict[str, Any]) -> None:
        self._rows.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?)", (name, key, json.dumps(image)))

    def _take(self, name: str, key: str) -> dict[str, Any] | None:
        taken = self._rows.execute("DELETE FROM row WHERE name = ? AND key = ? RETURNING image", (name, key)).fetchall()
        return json.loads(taken[0][0]) if taken else None


def _key(table: SqlTable, row: dict[str, Any]) -> str:
    return json.dumps([row[column.name] for column in table.primary_key])


def _named(table: SqlTable, key: str) -> str:
    return ", ".join(f"{column.name}={value}" for column, value in zip(table.primary_key, json.loads(key), strict=True))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
