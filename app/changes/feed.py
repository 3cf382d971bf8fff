"""The change feed: the ledger from a cursor, as far as the reader may see it, with a wait for what comes next."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Annotated

from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from app.accounts.actor import Actor
from app.accounts.audience import ledger_gate
from app.changes.filtering import EventFilter, selection
from app.database import Database
from app.ledger import reading
from app.ledger.words import Seq
from app.paging import Limit

LONGEST_WAIT_SECONDS = 30
LOOK_EVERY_SECONDS = 0.5  # for what nobody tells, as on SQLite what other processes commit


class FeedQuery(EventFilter):
    after: Annotated[str, Field(max_length=40, description=reading.AFTER)] = ""
    to_seq: Annotated[Seq | None, Field(description="The last event to tell; null: all that there are.")] = None
    limit: Limit = 50
    wait: Annotated[
        float, Field(ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds to wait for an event where there is none.")
    ] = 0


class EventPage(BaseModel):
    """Ask again with `next_cursor`; `head` is the seq at which the ledger ended."""

    items: list[reading.EventView]
    next_cursor: str
    head: int


class Bell:
    """Rings, from any thread, when something has been committed that readers can see."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def ring(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, rung in waiting:
            with contextlib.suppress(RuntimeError):  # that loop has ended meanwhile
                loop.call_soon_threadsafe(rung.set)

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Event]:
        """An event that is set at the next ring; enter before looking, so that nothing falls in between."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(entry)
        try:
            yield entry[1]
        finally:
            with self._lock:
                self._waiting.discard(entry)


def read(database: Database, actor: Actor, query: FeedQuery) -> EventPage:
    """Raises Gone for a cursor of an older epoch, Invalid for one from elsewhere."""
    with database.read() as session:
        start = reading.position(query.after, reading.head(session))
        wanted = selection(session, actor, query)
        found = reading.after(session, ledger_gate(actor), start, query.limit, wanted, query.to_seq)
    return EventPage(items=found.items, next_cursor=found.next_cursor, head=found.head)


async def follow(database: Database, bell: Bell, actor: Actor, query: FeedQuery) -> EventPage:
    """Like `read`, but where there is nothing, looks again until there is or the wait is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + query.wait
    while True:
        with bell.listen() as rung:
            page = await run_in_threadpool(read, database, actor, query)
            left = until - loop.time()
            nothing_can_come = query.to_seq is not None and query.to_seq <= page.head
            if page.items or nothing_can_come or left <= 0:
                return page
            query = query.model_copy(update={"after": page.next_cursor})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rung.wait(), min(left, LOOK_EVERY_SECONDS))
