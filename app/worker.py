"""What the tracker does by itself: it delivers to webhooks, mails, records what time changes, and forgets what is old.

Any number of workers may run on one database: deliveries are leased, and what time changes is recorded once.
"""

import asyncio
import datetime
import logging
from collections.abc import Callable

from sqlalchemy import delete, select, tuple_
from sqlmodel import col

from app import clock
from app.accounts.models import Answer
from app.database import Database
from app.demands import timekeeping
from app.follows import gathering
from app.follows import letters as follow_letters
from app.follows.forgetting import forget_unconfirmed
from app.mail import outbox
from app.mail.forgetting import forget_mails
from app.mail.posting import Postman
from app.settings import Settings
from app.vault import Vault
from app.webhooks import letters as webhook_letters
from app.webhooks.delivering import Deliverer
from app.webhooks.forgetting import forget_attempts

log = logging.getLogger(__name__)

TICK = datetime.timedelta(seconds=30)
LOOK_FOR_MAIL = datetime.timedelta(seconds=5)
SET_RIGHT = datetime.timedelta(minutes=5)
PRUNE = datetime.timedelta(hours=1)
PAUSE_AFTER_A_CRASH = datetime.timedelta(seconds=5)
WRITERS = {**follow_letters.WRITERS, **webhook_letters.WRITERS}
CHUNK = 500  # answers forgotten in one transaction, so that nobody waits long for it


async def run(database: Database, vault: Vault, settings: Settings, stop: asyncio.Event) -> None:
    """Works until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_deliver(database, vault, settings, stop))
        group.create_task(_repeat("keeping time", lambda: timekeeping.tick(database), _until_the_next_tick, stop))
        forgetting = _repeat("forgetting answers", lambda: forget_answers(database, settings), lambda: PRUNE, stop)
        group.create_task(forgetting)
        pruning = _repeat("forgetting attempts", lambda: forget_attempts(database, settings), lambda: PRUNE, stop)
        group.create_task(pruning)
        if settings.sends_mail:
            post = _post(database, vault, settings, stop)
            group.create_task(_repeat("mailing", post, lambda: LOOK_FOR_MAIL, stop))
            group.create_task(_repeat("setting mail right", lambda: set_right(database), lambda: SET_RIGHT, stop))
        unmailing = _repeat("forgetting mails", lambda: forget_mail(database), lambda: PRUNE, stop)
        group.create_task(unmailing)


def forget_answers(database: Database, settings: Settings) -> int:
    """Drop the answers to idempotency keys that are past their time; returns how many."""
    before = clock.now() - datetime.timedelta(hours=settings.idempotency_hours)
    forgotten = 0
    while chunk := _forget_some(database, before):
        forgotten += chunk
    return forgotten


def forget_mail(database: Database) -> int:
    """Drop what was mailed long ago, and addresses that were not confirmed; returns how many rows."""
    return forget_mails(database) + forget_unconfirmed(database)


def set_right(database: Database) -> None:
    """Whom, and what, a worker with a wrong clock would have mailed long from now."""
    with database.write() as session:
        gathering.set_right(session)
        outbox.set_right(session)


def _forget_some(database: Database, before: datetime.datetime) -> int:
    key = tuple_(col(Answer.actor), col(Answer.key))
    old = select(col(Answer.actor), col(Answer.key)).where(col(Answer.created_at) < before).limit(CHUNK)
    with database.write() as session:
        return session.connection().execute(delete(Answer).where(key.in_(old))).rowcount


async def _deliver(database: Database, vault: Vault, settings: Settings, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await Deliverer(database, vault, settings).run(stop)
        except Exception:
            log.exception("Delivering crashed; it starts again.")
            await _wait(stop, PAUSE_AFTER_A_CRASH)


def _post(database: Database, vault: Vault, settings: Settings, stop: asyncio.Event) -> Callable[[], None]:
    postman = Postman(database, vault, settings, WRITERS)

    def post() -> None:
        gathering.gather(database, vault)
        postman.post(stop.is_set)

    return post


async def _repeat(
    what: str, once: Callable[[], object], pause: Callable[[], datetime.timedelta], stop: asyncio.Event
) -> None:
    while not stop.is_set():
        try:
            await asyncio.to_thread(once)
        except Exception:
            log.exception("A pass of %s failed; the next one tries again.", what)
        await _wait(stop, pause())


def _until_the_next_tick() -> datetime.timedelta:
    """Half a minute, or until the day turns, if that is sooner."""
    now = clock.now()
    midnight = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC)
    return min(TICK, midnight - now)


async def _wait(stop: asyncio.Event, pause: datetime.timedelta) -> None:
    try:
        await asyncio.wait_for(stop.wait(), pause.total_seconds())
    except TimeoutError:
        return
