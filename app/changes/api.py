"""Routes to follow what happens."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from app.accounts.current import CurrentActor, Db
from app.changes import feed
from app.changes.feed import EventPage, FeedQuery
from app.ledger import reading
from app.ledger.reading import HeadView
from app.problems import READING

router = APIRouter(tags=["changes"])


@router.get("/events", responses=READING)
async def read_events(
    database: Db, actor: CurrentActor, query: Annotated[FeedQuery, Query()], request: Request
) -> EventPage:
    """Everything that happened, oldest first, from a cursor on; waits up to `wait` seconds where there is nothing."""
    return await feed.follow(database, request.app.state.bell, actor, query)


@router.get("/ledger", responses=READING)
def read_ledger(database: Db) -> HeadView:
    """Where the ledger ends, and the hash that covers all of it."""
    with database.read() as session:
        return reading.head(session)
