"""What workers did is noted: on the lanes, in the log and in the tallies, with what follows for the webhooks."""

import logging
from collections.abc import Sequence

from sqlmodel import Session

from app.database import Database, insert
from app.trouble import is_out_of_reach
from app.webhooks import actions, ailing, lanes, tallying
from app.webhooks.answers import Outcome
from app.webhooks.lanes import Work
from app.webhooks.models import Attempt, Tried, Undelivered

log = logging.getLogger(__name__)


def settle(database: Database, works: list[Work]) -> None:
    """All together; where that fails, each alone. One that fails alone is dropped: it is sent again after its lease.

    Empties the list. Raises where the database is out of reach, and leaves there what is to be settled once it is back.
    """
    try:
        with database.write() as session:
            _settle(session, works)
    except Exception as error:
        if is_out_of_reach(error):
            raise
        if len(works) > 1:
            while works:
                settle(database, works[:1])
                del works[0]
            return
        with database.write() as session:
            tallying.add(session, unsettled=1)
        log.exception("What was sent to webhook %s cannot be noted.", works[0].lease.webhook_id)
    works.clear()


def _settle(session: Session, works: Sequence[Work]) -> None:
    settled = lanes.settle(session, works)
    attempts = [attempt for each in settled for attempt in each.work.attempts]
    given_up = [event for each in settled for event in each.given_up]
    _log(session, attempts, given_up)
    for each in settled:
        if each.work.outcome is Outcome.GONE:
            actions.disable_webhook(session, each.lane.webhook_id, "The endpoint answered 410 Gone.")
    ailing.examine(session, settled)
    tallying.add(session, attempts, given_up, leases_lost=len(works) - len(settled))


def _log(session: Session, attempts: Sequence[Tried], given_up: Sequence[Undelivered]) -> None:
    if attempts:
        session.connection().execute(insert(session, Attempt), [vars(attempt) for attempt in attempts])
    if given_up:
        setting_aside = insert(session, Undelivered)
        anew = {name: setting_aside.excluded[name] for name in ("event_id", "reason", "set_aside_at")}
        again = setting_aside.on_conflict_do_update(index_elements=["webhook_id", "seq"], set_=anew)
        session.connection().execute(again, [event.model_dump() for event in given_up])  # a replay may give it up again
