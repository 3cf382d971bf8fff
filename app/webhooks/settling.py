"""What workers did is noted: on the lanes, in the log and in the tallies, with what follows for the webhooks."""

import logging
from collections.abc import Sequence

from app.database import Database
from app.webhooks import actions, ailing, lanes, tallying
from app.webhooks.lanes import Work

log = logging.getLogger(__name__)


def settle(database: Database, works: Sequence[Work]) -> None:
    """All together; where that fails, each alone. One that fails alone is dropped: it is sent again after its lease.

    Raises whatever the database raises that cannot be written to.
    """
    try:
        with database.write() as session:
            for webhook_id in lanes.settle(session, works):
                actions.disable_webhook(session, webhook_id, "The endpoint answered 410 Gone.")
            ailing.examine(session, works)
    except Exception:
        if len(works) == 1:
            with database.write() as session:  # raises too where the fault is the database's
                tallying.add(session, unsettled=1)
            log.exception("What was sent to webhook %s cannot be noted.", works[0].lease.webhook_id)
            return
        for work in works:
            settle(database, [work])
