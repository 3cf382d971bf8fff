"""What happened, in one order, for ever: `ledger.record` in an action is all that most code needs."""

from app.ledger.sealing import About, open_database, record

__all__ = ["About", "open_database", "record"]
