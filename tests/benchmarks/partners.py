"""Many webhooks, quickly: written past the actions, each with a host of its own."""

from collections.abc import Callable, Iterable

from sqlalchemy import insert
from sqlmodel import SQLModel

from app import ledger
from app.accounts.actions import ensure_organization
from app.accounts.actor import system
from app.database import Database
from app.fields import Audience
from app.ledger.reading import head
from app.ledger.selecting import match_keys
from app.tables import new_id
from app.vault import Vault
from app.webhooks import signing
from app.webhooks.models import Lane, Subscription, Webhook, WebhookSecret

CHUNK = 5_000
WHO = system("benchmark")


def subscribe(database: Database, vault: Vault, urls: Iterable[str], wants: str) -> None:
    """A webhook for each URL, which wants the events that `happen` with these words."""
    with database.write() as session:
        organization = ensure_organization(session, WHO, "partners")
        session.flush()
        pattern = Webhook(organization_id=organization.id, url="", filters={"tag": [wants]})
        here = head(session).seq
    sealed = vault.seal(signing.new_secret().encode())
    keys = match_keys([], pattern.filters)
    rows = [(new_id(), url) for url in urls]
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        made: dict[type[SQLModel], list[SQLModel]] = {
            Webhook: [Webhook(**{**pattern.model_dump(), "id": key, "url": url}) for key, url in chunk],
            WebhookSecret: [WebhookSecret(webhook_id=key, sealed=sealed) for key, _ in chunk],
            Lane: [Lane(webhook_id=key, cursor_seq=here, wake_seq=here) for key, _ in chunk],
            Subscription: [Subscription(match_key=each, webhook_id=key) for each in keys for key, _ in chunk],
        }
        with database.engine.begin() as connection:
            for model, new in made.items():
                connection.execute(insert(model), [each.model_dump() for each in new])


def happen(database: Database, *wanted_by: str, times: int = 1) -> None:
    """Changes about as large as real ones, each in a transaction of its own."""
    change = {"from": "open", "to": "in_progress", "reason": "Something was said. " * 30}
    for _ in range(times):
        with database.write() as session:
            about = ledger.About(keys=[f"tag:{tag}" for tag in wanted_by])
            ledger.record(session, WHO, "demand.revised", about, audience=Audience.PUBLIC, change=change)


def counting(database: Database) -> Callable[[], int]:
    """How many transactions others have ended on PostgreSQL; 0 on SQLite, which keeps no count."""
    if database.is_sqlite:
        return lambda: 0
    connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    ended = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    database.dispose()  # a connection is counted for certain only when it ends; the one above is kept
    return lambda: int(connection.exec_driver_sql(ended).scalar_one())
