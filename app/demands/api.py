"""Routes for demands themselves; `records_api` has those for what belongs to them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response, status
from pydantic import Field

from app import caching, etags
from app.accounts.current import CurrentActor, CurrentCampaigner, Db
from app.accounts.idempotency import OnceOnly
from app.demands import actions, exporting, publishing, queries
from app.demands.filters import DemandFilter, Sort
from app.demands.reads import DemandPage, DemandRead
from app.demands.schemas import DemandNew, DemandRevision, PublicationChange
from app.documenting import announced
from app.etags import IfMatch
from app.fields import Ref, Schema
from app.paging import link_next
from app.problems import PreconditionRequired, invalid

router = APIRouter(tags=["demands"])
INCLUDABLE = ("total", "citations", "history")


class DemandQuery(DemandFilter):
    """The filters, and how to show what they find."""

    sort: Annotated[Sort, Field(description="With a minus: the latest or last first.")] = Sort.NEWEST
    include: Annotated[
        list[str],
        Query(
            description=f"Any of {', '.join(INCLUDABLE)}; repeated or separated by commas. "
            "Lines take no `total`, and a table nothing."
        ),
    ] = []

    def parts(self, media: str | None = None) -> frozenset[str]:
        """Raises Invalid for a part that there is not, or not in that form of the list."""
        if media == exporting.CSV and self.include:
            raise invalid(
                "query.include", f"a table has no cells for {', '.join(self.include)}; take `.ndjson` or JSON"
            )
        return parts_of(self.include, INCLUDABLE[1:] if media else INCLUDABLE)


DemandRef = Annotated[Ref, Path(description="Such as NK-4.")]


class PartsQuery(Schema):
    include: Annotated[list[str], Query(description="`citations`, `history` or both.")] = []


@router.get("/demands", response_model=DemandPage)
def list_demands(
    database: Db, actor: CurrentActor, query: Annotated[DemandQuery, Query()], request: Request, response: Response
) -> Response:
    """Demands that match, newest change first. Also as CSV or NDJSON: `/demands.csv`, or by `Accept`."""
    media = exporting.wanted(request)
    if media:
        return exporting.export(database, actor, query, query.sort, query.parts(media), media)
    with database.read() as session:
        page = queries.list_demands(session, actor, query, query.sort, query.parts())
    answer = Response(page.model_dump_json(), media_type="application/json")
    link_next(request, answer, page.next_cursor)
    return answer


@router.get("/demands.csv", responses=exporting.CSV_RESPONSES, response_class=Response)
def export_csv(database: Db, actor: CurrentActor, query: Annotated[DemandQuery, Query()]) -> Response:
    """Every demand that matches (at most `limit`, where given), one a row, with a byte order mark for spreadsheets."""
    return exporting.export(database, actor, query, query.sort, query.parts(exporting.CSV), exporting.CSV)


@router.get("/demands.ndjson", responses=exporting.NDJSON_RESPONSES, response_class=Response)
def export_ndjson(database: Db, actor: CurrentActor, query: Annotated[DemandQuery, Query()]) -> Response:
    """Every demand that matches (at most `limit`, where given), one JSON object a line."""
    return exporting.export(database, actor, query, query.sort, query.parts(exporting.NDJSON), exporting.NDJSON)


@router.post("/demands", status_code=status.HTTP_201_CREATED, response_model=DemandRead)
def create_demand(actor: CurrentCampaigner, new: DemandNew, once: OnceOnly) -> Response:
    """A draft with the campaign's next ref; only staff see it until it is published."""
    return once.create(lambda session: actions.create_demand(session, actor, new), _headers)


@router.get("/demands/{ref}", responses={304: {"description": "Not modified"}}, response_model=DemandRead)
def read_demand(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Annotated[PartsQuery, Query()], request: Request
) -> Response:
    parts = parts_of(query.include, INCLUDABLE[1:])
    with database.read() as session:
        demand = queries.read_demand(session, actor, ref, parts)
        tag = etags.etag(demand.version, caching.validator(session, actor.audience), *sorted(parts))
    if etags.unchanged(request, tag):
        return etags.not_modified(tag)
    return Response(demand.model_dump_json(), headers={"ETag": tag}, media_type="application/json")


@router.patch("/demands/{ref}", responses=announced(PreconditionRequired))
def revise_demand(
    database: Db,
    actor: CurrentCampaigner,
    ref: DemandRef,
    revision: DemandRevision,
    response: Response,
    if_match: IfMatch = None,
) -> DemandRead:
    """JSON Merge Patch (RFC 7396); `If-Match` is compulsory.

    Until the demand is first published, its history begins anew with another `first_made_on`. After that the history
    stays as it was told: an earlier date leaves it alone, and a date later than its beginning is refused.
    """
    with database.write() as session:
        demand = actions.revise_demand(session, actor, ref, revision, if_match)
    response.headers["ETag"] = etags.etag(demand.version)
    return demand


@router.put("/demands/{ref}/publication", responses=announced(publishing.ForbiddenPublication))
def publish_demand(
    database: Db,
    actor: CurrentCampaigner,
    ref: DemandRef,
    change: PublicationChange,
    response: Response,
    if_match: IfMatch = None,
) -> DemandRead:
    """Send to review, publish (now or when an embargo ends), or take from view.

    With `If-Match` nothing is published that you have not read.
    """
    with database.write() as session:
        demand = publishing.publish(session, actor, ref, change, if_match)
    response.headers["ETag"] = etags.etag(demand.version)
    return demand


def parts_of(include: Sequence[str], there_are: Sequence[str] = INCLUDABLE) -> frozenset[str]:
    """Raises Invalid for a part that there is not."""
    parts = frozenset(part for word in include for part in word.split(",") if part)
    for part in sorted(parts - set(there_are)):
        raise invalid("query.include", f"{part} cannot be included; there are {', '.join(there_are)}")
    return parts


def _headers(made: object) -> dict[str, str]:
    assert isinstance(made, DemandRead)
    return {"Location": f"/api/v1/demands/{made.ref}", "ETag": etags.etag(made.version)}
