"""Routes for statistics: the criteria of the list of demands, through the same gate."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.accounts.current import CurrentActor, Db
from app.demands.exporting import CSV_RESPONSES
from app.demands.filters import DemandCriteria
from app.statistics import exporting, queries, scorecards, timeline
from app.statistics.schemas import Scorecards, Summary, Timeline, TimelineQuery

router = APIRouter(prefix="/statistics", tags=["statistics"])
Criteria = Annotated[DemandCriteria, Query()]
Range = Annotated[TimelineQuery, Query()]


@router.get("/summary")
def read_summary(database: Db, actor: CurrentActor, criteria: Criteria) -> Summary:
    """How many demands match, by status, group, kind, body and campaign; what is verified apart from the claimed."""
    with database.read() as session:
        return queries.summarize(session, actor, criteria)


@router.get("/timeline")
def read_timeline(database: Db, actor: CurrentActor, query: Range) -> Timeline:
    """How many of the demands that match stood in each group at the end of each month, this month as of today.

    A month tells what `GET /demands?as_of=…` tells of its last day: a correction rewrites how things were. At most
    600 months; the last 600 where `from` is not given.
    """
    with database.read() as session:
        return timeline.trace(session, actor, query)


@router.get("/timeline.csv", responses=CSV_RESPONSES, response_class=Response)
def export_timeline(database: Db, actor: CurrentActor, query: Range) -> Response:
    """The timeline, one month a row, with a byte order mark for spreadsheets."""
    with database.read() as session:
        found = timeline.trace(session, actor, query)
    return exporting.timeline_csv(found)


@router.get("/bodies")
def read_scorecards(database: Db, actor: CurrentActor, criteria: Criteria) -> Scorecards:
    """What was asked of each body and of those below it, how it answered, and what came of it; the most asked first.

    Days to the first response run from the first day of `first_made_on` to the first day of the response, and are 0
    where the body had responded before it was asked. Bodies of which nothing was asked are left out, and with `body`
    all but those named and the bodies below them.
    """
    with database.read() as session:
        return scorecards.score(session, actor, criteria)


@router.get("/bodies.csv", responses=CSV_RESPONSES, response_class=Response)
def export_scorecards(database: Db, actor: CurrentActor, criteria: Criteria) -> Response:
    """The scorecards, one body a row, with a byte order mark for spreadsheets."""
    with database.read() as session:
        found = scorecards.score(session, actor, criteria)
    return exporting.scorecards_csv(found)
