"""What the tracker does by itself: it delivers to webhooks, mails, records what time changes, and forgets what is old.

Any number of workers may run on one database: deliveries are leased, and what time changes is recorded once.
"""

import asyncio
import datetime
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from app import clock
from app.accounts.forgetting import forget_answers
from app.database import Database
from app.demands import timekeeping
from app.follows import gathering
from app.follows import letters as follow_letters
from app.follows.forgetting import forget_unconfirmed, forget_unreachable
from app.mail import outbox
from app.mail.forgetting import forget_mails
from app.mail.posting import Postman
from app.settings import Settings
from app.trouble import Trouble
from app.vault import Vault
from app.waking import told_of_commits
from app.webhooks import letters as webhook_letters
from app.webhooks.delivering import Deliverer
from app.webhooks.forgetting import forget_attempts

TICK = datetime.timedelta(seconds=30)
BETWEEN_LOOKS = datetime.timedelta(seconds=1)  # for an embargo, however many commits there are
LOOK_FOR_MAIL = datetime.timedelta(seconds=5)
SET_RIGHT = datetime.timedelta(minutes=5)
PRUNE = datetime.timedelta(hours=1)
PAUSE_AFTER_A_CRASH = datetime.timedelta(seconds=5)
Found = TypeVar("Found")
WRITERS = {**follow_letters.WRITERS, **webhook_letters.WRITERS}


async def run(database: Database, vault: Vault, settings: Settings, stop: asyncio.Event) -> None:
    """Works until `stop` is set."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_deliver(database, vault, settings, stop))
        group.create_task(_keep_time(database, stop))
        answers = partial(forget_answers, database, settings, stop.is_set)
        group.create_task(_repeat("Forgetting answers", answers, PRUNE, stop))
        attempts = partial(forget_attempts, database, settings, stop.is_set)
        group.create_task(_repeat("Forgetting attempts", attempts, PRUNE, stop))
        if settings.sends_mail:
            gather = partial(gathering.gather, database, vault, stop.is_set)
            group.create_task(_repeat("Gathering for followers", gather, LOOK_FOR_MAIL, stop))
            post = partial(Postman(database, vault, settings, WRITERS).post, stop.is_set)
            group.create_task(_repeat("Mailing", post, LOOK_FOR_MAIL, stop))
            group.create_task(_repeat("Setting mail right", lambda: set_right(database), SET_RIGHT, stop))
        mails = partial(forget_mails, database, stop.is_set)
        group.create_task(_repeat("Forgetting mails", mails, PRUNE, stop))
        unconfirmed = partial(forget_unconfirmed, database, stop.is_set)
        group.create_task(_repeat("Forgetting who did not confirm", unconfirmed, PRUNE, stop))
        unreachable = partial(forget_unreachable, database, stop.is_set)
        group.create_task(_repeat("Forgetting addresses that are gone", unreachable, PRUNE, stop))


def set_right(database: Database) -> None:
    """Whom, and what, a worker with a wrong clock would have mailed long from now."""
    with database.write() as session:
        gathering.set_right(session)
        outbox.set_right(session)


async def _deliver(database: Database, vault: Vault, settings: Settings, stop: asyncio.Event) -> None:
    trouble = Trouble(__name__, "Delivering")
    while not stop.is_set():
        try:
            await Deliverer(database, vault, settings).run(stop)
        except Exception as error:  # noqa: BLE001  # of any kind: it starts again
            trouble.met(error)
            await _wait(PAUSE_AFTER_A_CRASH, stop)


async def _keep_time(database: Database, stop: asyncio.Event) -> None:
    """At each tick, and when an embargo ends, though it was set since the last one."""
    started = due = next_tick = clock.now()
    news = asyncio.Event()
    with told_of_commits(database, news.set):
        ticking, looking = Trouble(__name__, "Keeping time"), Trouble(__name__, "Looking for embargoes")
        while not stop.is_set():
            now = clock.now()
            was_set_back = due > now + TICK  # the clock, which must not put it off
            if due <= now or was_set_back:
                started = now
                await _pass(ticking, lambda: timekeeping.tick(database))
                next_tick = _next_tick()
            news.clear()
            end = await _pass(looking, partial(timekeeping.next_end_of_embargo, database, started))
            due = min(next_tick, end or next_tick)
            await _wait(due - clock.now(), stop, news)
            await _wait(min(due - clock.now(), BETWEEN_LOOKS), stop)


async def _repeat(what: str, once: Callable[[], object], pause: datetime.timedelta, stop: asyncio.Event) -> None:
    trouble = Trouble(__name__, what)
    while not stop.is_set():
        await _pass(trouble, once)
        await _wait(pause, stop)


async def _pass(trouble: Trouble, once: Callable[[], Found]) -> Found | None:
    """None where it failed."""
    with trouble:
        return await asyncio.to_thread(once)
    return None


def _next_tick() -> datetime.datetime:
    """In half a minute, or when the day turns, if that is sooner."""
    now = clock.now()
    midnight = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC)
    return min(now + TICK, midnight)


async def _wait(pause: datetime.timedelta, *events: asyncio.Event) -> None:
    """Until that has passed or one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=pause.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
