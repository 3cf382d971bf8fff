"""The route for calendars."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app import caching, etags
from app.accounts.current import CurrentReader, Db
from app.demands.filters import DemandCriteria, DemandFilter
from app.documenting import Responses
from app.paging import digest

router = APIRouter(tags=["demands"])
CALENDAR = "text/calendar"
RESPONSES: Responses = {
    200: {"content": {CALENDAR: {"schema": {"type": "string"}}}, "description": "A calendar"},
    304: {"description": "Not modified"},
}


@router.get("/demands.ics", responses=RESPONSES, response_class=Response)
def read_calendar(
    database: Db, actor: CurrentReader, query: Annotated[DemandCriteria, Query()], request: Request
) -> Response:
    """Deadlines, next reviews and planned steps of every demand that matches, for calendars to subscribe to."""
    from app.demands import calendar  # noqa: PLC0415  # slow to import, and most processes never need it

    with database.read() as session:
        tag = etags.etag(0, caching.validator(session, actor.audience), digest(request.url.query))
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    query_string = f"?{request.url.query}" if request.url.query else ""
    own = f"{database.settings.base_url}{request.url.path}{query_string}"
    parts = calendar.written(database, actor, DemandFilter(**query.model_dump()), own)
    return StreamingResponse(parts, media_type=CALENDAR, headers={"ETag": tag})
