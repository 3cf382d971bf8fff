"""Bringing the database to the newest shape: one Alembic chain for SQLite and PostgreSQL."""

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from app.database import Database
from app.revisions import MIGRATIONS

ONE_AT_A_TIME = 7_205_110  # the advisory lock that migrations hold on PostgreSQL


def migrate(database: Database) -> None:
    """Run what is missing, once, even when several processes start together."""
    config = alembic_config(database)
    if database.is_sqlite:
        command.upgrade(config, "head")
        return
    with database.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": ONE_AT_A_TIME})
        connection.commit()
        try:
            command.upgrade(config, "head")
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": ONE_AT_A_TIME})
            connection.commit()


def alembic_config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["engine"] = database.engine
    return config
