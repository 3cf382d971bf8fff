"""Many demands, quickly: copies of the seeded ones with other refs and dates, written past the ledger."""

import datetime
import random
import uuid

from sqlalchemy import Connection, insert, select, text

from app import clock
from app.database import Database
from app.demands.models import Citation, Issuer, StatusChange, Tag, Target
from app.models import metadata
from app.tables import new_id

CHUNK = 2_000
SPREAD_SECONDS = 700 * 24 * 3600  # over which they were updated, so that every page has some of each kind
PARTS = (Target, Issuer, Tag, StatusChange, Citation)


def multiply(database: Database, count: int) -> None:
    """Bring the number of demands to `count`, in a campaign that is not the seeded one's."""
    chance = random.Random(1)
    with database.engine.begin() as connection:
        patterns = _rows(connection, "demand")
        parts = {str(part.__tablename__): _rows(connection, str(part.__tablename__)) for part in PARTS}
        for start in range(len(patterns), count, CHUNK):
            _insert(connection, patterns, parts, range(start, min(start + CHUNK, count)), chance)
    with database.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _rows(connection: Connection, table: str) -> list[dict[str, object]]:
    columns = [column for column in metadata.tables[table].columns if column.computed is None]
    return [dict(row) for row in connection.execute(select(*columns)).mappings()]


def _insert(
    connection: Connection,
    patterns: list[dict[str, object]],
    parts: dict[str, list[dict[str, object]]],
    numbers: range,
    chance: random.Random,
) -> None:
    demands: list[dict[str, object]] = []
    copies: dict[str, list[dict[str, object]]] = {name: [] for name in parts}
    for number in numbers:
        pattern = chance.choice(patterns)
        new = 1_000_000 + number
        deadline = f"{chance.randint(2024, 2030)}-{chance.randint(1, 12):02}" if number % 10 == 0 else None
        demands.append(
            {
                **pattern,
                "id": new,
                "number": new,
                "ref": f"NK-{new}",
                "ref_order": f"NK-{new:09}",
                "deadline": deadline,
                "updated_at": clock.now() - datetime.timedelta(seconds=chance.randrange(SPREAD_SECONDS)),
            }
        )
        changes: dict[object, uuid.UUID] = {}
        for name, rows in parts.items():
            for row in rows:
                if row["demand_id"] == pattern["id"]:
                    copies[name].append(_copy(name, row, new, changes))
    connection.execute(insert(metadata.tables["demand"]), demands)
    for name, rows in copies.items():
        connection.execute(insert(metadata.tables[name]), rows)


def _copy(name: str, row: dict[str, object], demand: int, changes: dict[object, uuid.UUID]) -> dict[str, object]:
    copy = {**row, "demand_id": demand}
    if "id" in row:
        copy["id"] = new_id()
    if name == StatusChange.__tablename__:
        changes[row["id"]] = copy["id"]  # type: ignore[assignment]
    if name == Citation.__tablename__:
        copy |= {"response_id": None, "reading_id": None, "update_id": None}
        copy["status_change_id"] = changes.get(row["status_change_id"])
    return copy
