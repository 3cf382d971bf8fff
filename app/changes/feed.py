"""The change feed: the ledger from a cursor, as far as the reader may see it, with a wait for what comes next."""

import asyncio
from typing import Annotated

from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.types import Receive

from app.accounts.actor import Actor
from app.accounts.audience import ledger_gate
from app.accounts.current import find_actor
from app.accounts.secrets import KeyText
from app.changes.filtering import EventFilter, selection
from app.changes.listening import disconnected
from app.changes.waiting import Lookout
from app.database import Database
from app.ledger import reading
from app.ledger.words import Seq
from app.paging import Limit

LONGEST_WAIT_SECONDS = 30


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


def read(database: Database, reader: Actor | KeyText, query: FeedQuery) -> EventPage:
    """Raises Gone for a cursor of an older epoch, Invalid for one from elsewhere, Unauthenticated for a bad key."""
    with database.read() as session:
        actor = find_actor(session, reader)[0] if isinstance(reader, KeyText) else reader
        start = reading.position(query.after, reading.head(session))
        wanted = selection(session, actor, query)
        found = reading.after(session, ledger_gate(actor), start, query.limit, wanted, query.to_seq)
    return EventPage(items=found.items, next_cursor=found.next_cursor, head=found.head)


async def follow(
    database: Database, lookout: Lookout, actor: Actor, key: KeyText | None, query: FeedQuery, receive: Receive
) -> EventPage:
    """Like `read`, but where there is nothing, waits until there is, the wait is over, or nobody is there any more.

    Whoever has waited is asked for anew, by their key: it may have been revoked, or see less.
    """
    reader: Actor | KeyText = actor
    loop = asyncio.get_running_loop()
    until = loop.time() + query.wait
    gone = asyncio.ensure_future(disconnected(receive))
    try:
        while True:
            with lookout.bell.listen() as rung:
                page = await run_in_threadpool(read, database, reader, query)
                left = until - loop.time()
                nothing_can_come = query.to_seq is not None and query.to_seq <= page.head
                if page.items or nothing_can_come or left <= 0 or gone.done():
                    return page
                query, reader = query.model_copy(update={"after": page.next_cursor}), key or actor
                if not rung.is_set():  # or else there is news since the reading
                    await lookout.wait(page.next_cursor, gone, left)
    finally:
        gone.cancel()
