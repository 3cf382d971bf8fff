"""Routes for campaigns and kinds."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from app import etags
from app.accounts.current import CurrentActor, CurrentCampaigner, CurrentEditor, Db
from app.accounts.idempotency import OnceOnly
from app.campaigns import actions, queries
from app.campaigns.schemas import (
    CampaignNew,
    CampaignQuery,
    CampaignRead,
    CampaignRevision,
    KindNew,
    KindQuery,
    KindRead,
    KindRevision,
)
from app.etags import IfMatch
from app.fields import Slug
from app.paging import Page, link_next

router = APIRouter()


@router.get("/campaigns", tags=["campaigns"])
def list_campaigns(
    database: Db,
    actor: CurrentActor,
    query: Annotated[CampaignQuery, Query()],
    request: Request,
    response: Response,
) -> Page[CampaignRead]:
    with database.read() as session:
        page = queries.list_campaigns(session, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/campaigns",
    tags=["campaigns"],
    status_code=status.HTTP_201_CREATED,
    response_model=CampaignRead,
)
def create_campaign(actor: CurrentEditor, new: CampaignNew, once: OnceOnly) -> Response:
    """The prefix begins the refs of its demands, so neither it nor the slug can be revised."""
    return once.create(lambda session: actions.create_campaign(session, actor, new), etags.made_in("campaigns"))


@router.get("/campaigns/{slug}", tags=["campaigns"])
def read_campaign(database: Db, actor: CurrentActor, slug: Slug, response: Response) -> CampaignRead:
    with database.read() as session:
        campaign = queries.campaign_read(queries.get_campaign(session, slug))
    response.headers["ETag"] = etags.etag(campaign.version)
    return campaign


@router.patch("/campaigns/{slug}", tags=["campaigns"])
def revise_campaign(
    database: Db,
    actor: CurrentEditor,
    slug: Slug,
    revision: CampaignRevision,
    response: Response,
    if_match: IfMatch = None,
) -> CampaignRead:
    with database.write() as session:
        campaign = actions.revise_campaign(session, actor, slug, revision, if_match)
    response.headers["ETag"] = etags.etag(campaign.version)
    return campaign


@router.get("/kinds", tags=["kinds"])
def list_kinds(
    database: Db,
    actor: CurrentActor,
    query: Annotated[KindQuery, Query()],
    request: Request,
    response: Response,
) -> Page[KindRead]:
    with database.read() as session:
        page = queries.list_kinds(session, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/kinds", tags=["kinds"], status_code=status.HTTP_201_CREATED, response_model=KindRead)
def create_kind(actor: CurrentCampaigner, new: KindNew, once: OnceOnly) -> Response:
    return once.create(lambda session: actions.create_kind(session, actor, new), etags.made_in("kinds"))


@router.get("/kinds/{slug}", tags=["kinds"])
def read_kind(database: Db, actor: CurrentActor, slug: Slug, response: Response) -> KindRead:
    with database.read() as session:
        kind = queries.kind_read(queries.get_kind(session, slug))
    response.headers["ETag"] = etags.etag(kind.version)
    return kind


@router.patch("/kinds/{slug}", tags=["kinds"])
def revise_kind(
    database: Db,
    actor: CurrentCampaigner,
    slug: Slug,
    revision: KindRevision,
    response: Response,
    if_match: IfMatch = None,
) -> KindRead:
    """The labels are merged, language by language; null takes one away."""
    with database.write() as session:
        kind = actions.revise_kind(session, actor, slug, revision, if_match)
    response.headers["ETag"] = etags.etag(kind.version)
    return kind
