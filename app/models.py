"""All tables in one place, for migrations and for the ledger's replay."""

from sqlmodel import SQLModel

import app.accounts.models
import app.bodies.models
import app.campaigns.models
import app.demands.models
import app.follows.models
import app.ledger.models
import app.mail.models
import app.sources.models
import app.webhooks.models  # noqa: F401
from app.tables import Table

metadata = SQLModel.metadata


def ledgered_tables() -> list[type[Table]]:
    """The classes whose rows the events rebuild."""
    found: list[type[Table]] = []
    waiting = list(Table.__subclasses__())
    while waiting:
        model = waiting.pop()
        waiting.extend(model.__subclasses__())
        if hasattr(model, "__table__") and model.ledgered:
            found.append(model)
    return sorted(found, key=lambda model: model.__table__.name)  # type: ignore[attr-defined]  # set by SQLModel
