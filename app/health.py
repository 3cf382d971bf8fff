"""Whether the service lives, and whether it can serve."""

import asyncio

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from app import revisions
from app.database import Database
from app.documenting import announced
from app.problems import Unavailable

READY_WITHIN_SECONDS = 3.0
NO_ANSWER = "The database does not answer."

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str


class Readiness:
    """One look at the database for all who ask meanwhile: while it hangs, none of them takes up another thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._look: asyncio.Task[str | None] | None = None

    async def hindrance(self) -> str | None:
        """What keeps the service from serving."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_apart())
        done, _ = await asyncio.wait([self._look], timeout=READY_WITHIN_SECONDS)
        return self._look.result() if done else NO_ANSWER

    async def _look_apart(self) -> str | None:
        """Beside the threads that requests share."""
        return await to_thread.run_sync(self._find_hindrance, limiter=CapacityLimiter(1), abandon_on_cancel=True)

    def _find_hindrance(self) -> str | None:
        try:
            current = revisions.current_revision(self._database)
        except SQLAlchemyError:
            return NO_ANSWER
        is_newest = current == revisions.newest_revision()
        return None if is_newest else "The database is not migrated; run `demands migrate`."


@router.get("/healthz")
async def read_health() -> Health:
    """The process answers."""
    return Health(status="alive")


@router.get("/readyz", responses=announced(Unavailable))
async def read_readiness(request: Request) -> Health:
    """The database answers and has the newest shape."""
    if hindrance := await request.app.state.readiness.hindrance():
        raise Unavailable(hindrance)
    return Health(status="ready")
