"""Routes to follow what happens."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from app.accounts.current import CurrentActor, CurrentKey, Db
from app.changes import feed
from app.changes.feed import EventPage, FeedQuery
from app.changes.stream import Stream, StreamQuery
from app.documenting import Responses
from app.ledger import reading
from app.ledger.reading import HeadView

STREAM: Responses = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Server-sent events"},
}

router = APIRouter(tags=["changes"])


@router.get("/events")
async def read_events(
    database: Db, actor: CurrentActor, key: CurrentKey, query: Annotated[FeedQuery, Query()], request: Request
) -> EventPage:
    """Everything that happened, oldest first, from a cursor on; waits up to `wait` seconds where there is nothing."""
    return await feed.follow(database, request.app.state.lookout, actor, key, query, request.receive)


@router.get("/events/stream", responses=STREAM, response_class=Response)
async def stream_events(
    actor: CurrentActor,
    key: CurrentKey,
    query: Annotated[StreamQuery, Query()],
    request: Request,
    last_event_id: Annotated[
        str | None, Header(max_length=40, description="The cursor to go on from; a browser that comes back sends it.")
    ] = None,
) -> Response:
    """Events as they happen (server-sent events), each with its cursor as `id`; a browser comes back by itself."""
    stream: Stream = request.app.state.stream
    return await stream.open(actor, key, query, last_event_id)


@router.get("/ledger")
def read_ledger(database: Db, actor: CurrentActor) -> HeadView:
    """Where the ledger ends, and the hash that covers all of it."""
    with database.read() as session:
        return reading.head(session)
