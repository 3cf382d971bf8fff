"""Routes for bodies."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from app import etags
from app.accounts.current import CurrentActor, CurrentCampaigner, Db
from app.accounts.idempotency import OnceOnly
from app.bodies import actions, queries
from app.bodies.queries import CountByBody
from app.bodies.schemas import BodyInFull, BodyNew, BodyQuery, BodyRead, BodyRevision
from app.documenting import announced
from app.etags import IfMatch
from app.fields import Slug
from app.paging import Page, link_next

router = APIRouter(tags=["bodies"])


def get_count_by_body(request: Request) -> CountByBody:
    """Bodies know no demands; whoever puts the service together knows both."""
    count: CountByBody = request.app.state.count_by_body
    return count


Counting = Annotated[CountByBody, Depends(get_count_by_body)]


@router.get("/bodies")
def list_bodies(
    database: Db,
    actor: CurrentActor,
    count: Counting,
    query: Annotated[BodyQuery, Query()],
    request: Request,
    response: Response,
) -> Page[BodyRead]:
    with database.read() as session:
        page = queries.list_bodies(session, actor, query, count)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/bodies", status_code=status.HTTP_201_CREATED, response_model=BodyInFull)
def create_body(actor: CurrentCampaigner, count: Counting, new: BodyNew, once: OnceOnly) -> Response:
    return once.create(lambda s: queries.read_body(s, actor, actions.create_body(s, actor, new).slug, count), _headers)


@router.get("/bodies/{slug}")
def read_body(database: Db, actor: CurrentActor, count: Counting, slug: Slug, response: Response) -> BodyInFull:
    with database.read() as session:
        body = queries.read_body(session, actor, slug, count)
    response.headers["ETag"] = _etag(body)
    return body


@router.patch("/bodies/{slug}", responses=announced(actions.Cycle))
def revise_body(
    database: Db,
    actor: CurrentCampaigner,
    count: Counting,
    slug: Slug,
    revision: BodyRevision,
    response: Response,
    if_match: IfMatch = None,
) -> BodyInFull:
    """The identifiers are merged, scheme by scheme; null takes one away."""
    with database.write() as session:
        actions.revise_body(session, actor, slug, revision, if_match)
        body = queries.read_body(session, actor, slug, count)
    response.headers["ETag"] = _etag(body)
    return body


def _headers(made: object) -> dict[str, str]:
    assert isinstance(made, BodyInFull)
    return {"Location": f"/api/v1/bodies/{made.slug}", "ETag": _etag(made)}


def _etag(body: BodyInFull) -> str:
    """Counts and children change without the body's own version."""
    return etags.etag(body.version, hashlib.sha256(body.model_dump_json().encode()).hexdigest()[:12])
