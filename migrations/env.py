"""Alembic's entry: the same chain for `demands migrate`, `alembic check` and the tests."""

import warnings
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from app.dates import PartialDateColumn
from app.ledger import open_database
from app.ledger.models import CanonicalJSON
from app.models import metadata
from app.settings import Settings

SEARCH = "demand_search"  # the full-text index and its shadow tables are each database's own


# SQLite cannot tell what such an index is made of; PostgreSQL compares it.
warnings.filterwarnings("ignore", message="(autogenerate skipping|Skipped unsupported).* expression-based index")


def include_object(_: Any, name: str | None, *__: Any) -> bool:
    return not (name or "").startswith(SEARCH)


def render_item(kind: str, thing: Any, _: Any) -> str | Literal[False]:
    """Write our own column types as the plain types that they are in the database: migrations outlive the code."""
    if kind != "type":
        return False
    if isinstance(thing, PartialDateColumn):
        return "sa.String(10).with_variant(sa.String(10, collation='C'), 'postgresql')"
    if isinstance(thing, CanonicalJSON):
        return "sa.Text()"
    if isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(thing, AutoString):
        return f"sa.String({thing.length or ''})"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        include_object=include_object,
        render_item=render_item,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


engine = context.config.attributes.get("engine") or open_database(Settings()).engine
with engine.connect() as connection:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        # Rebuilding a table drops it, and with foreign keys on that deletes the rows of its children.
        # The pragma does nothing inside a transaction, so it goes to the driver, before the first one.
        driver.execute("PRAGMA foreign_keys=OFF")
    try:
        run(connection)
        connection.commit()
    finally:
        if connection.dialect.name == "sqlite":
            connection.rollback()
            broken = driver.execute("PRAGMA foreign_key_check").fetchall()
            driver.execute("PRAGMA foreign_keys=ON")
            if broken:
                raise RuntimeError(f"The migration leaves broken foreign keys: {broken[:5]}")
