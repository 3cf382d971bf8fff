"""Routes for sources."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from app import etags
from app.accounts.current import CurrentActor, CurrentCampaigner, Db
from app.accounts.idempotency import OnceOnly
from app.documenting import announced
from app.etags import IfMatch
from app.fields import Slug
from app.paging import Page, link_next
from app.sources import actions, queries
from app.sources.schemas import SourceFound, SourceNew, SourceQuery, SourceRead, SourceRevision

router = APIRouter(tags=["sources"])


@router.get("/sources")
def list_sources(
    database: Db,
    actor: CurrentActor,
    query: Annotated[SourceQuery, Query()],
    request: Request,
    response: Response,
) -> Page[SourceRead]:
    with database.read() as session:
        page = queries.list_sources(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/sources",
    status_code=status.HTTP_201_CREATED,
    response_model=SourceRead,
    responses={
        **announced(actions.SeenByMore),
        200: {"model": SourceRead, "description": "This URL was there already; nothing was changed."},
    },
)
def create_source(actor: CurrentCampaigner, new: SourceNew, once: OnceOnly) -> Response:
    """One URL is one source: where it is there already, the answer is 200 and the source that has it.

    It is 409 where `audience` is given and more people than that may see the source that has it.
    """
    return once.create(
        lambda session: actions.create_source(session, actor, new),
        etags.made_in("sources"),
        status=lambda source: 200 if isinstance(source, SourceFound) else 201,
    )


@router.get("/sources/{slug}")
def read_source(database: Db, actor: CurrentActor, slug: Slug, response: Response) -> SourceRead:
    with database.read() as session:
        source = queries.read_source(session, actor, slug)
    response.headers["ETag"] = etags.etag(source.version)
    return source


@router.patch("/sources/{slug}")
def revise_source(
    database: Db,
    actor: CurrentCampaigner,
    slug: Slug,
    revision: SourceRevision,
    response: Response,
    if_match: IfMatch = None,
) -> SourceRead:
    with database.write() as session:
        source = actions.revise_source(session, actor, slug, revision, if_match)
    response.headers["ETag"] = etags.etag(source.version)
    return source
