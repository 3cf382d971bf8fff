"""Which shape the database has, and which is the newest. Asked at every start, so without loading Alembic."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import inspect, text

from app.database import Database

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_NAMES = re.compile(r'^(revision|down_revision)\b[^=\n]*= (?:"(\w+)"|None)$', re.MULTILINE)


def current_revision(database: Database) -> str | None:
    """None before the first migration."""
    with database.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        revision: str | None = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return revision


@cache
def newest_revision() -> str:
    """The one that no other follows."""
    chain: list[dict[str, str]] = [
        dict(_NAMES.findall(file.read_text())) for file in (MIGRATIONS / "versions").glob("*.py")
    ]
    (newest,) = {link["revision"] for link in chain} - {link["down_revision"] for link in chain}
    return newest
