"""Whether the service lives, and whether it can serve."""

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from app import revisions
from app.documenting import announced
from app.problems import Unavailable

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str


@router.get("/healthz")
def read_health() -> Health:
    """The process answers."""
    return Health(status="alive")


@router.get("/readyz", responses=announced(Unavailable))
def read_readiness(request: Request) -> Health:
    """The database answers and has the newest shape."""
    try:
        current = revisions.current_revision(request.app.state.database)
    except SQLAlchemyError:
        raise Unavailable("The database does not answer.") from None
    if current != revisions.newest_revision():
        raise Unavailable("The database is not migrated; run `demands migrate`.")
    return Health(status="ready")
