"""Routes for webhooks. While a host is looked up, none of the threads waits that all routes share."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from app import etags
from app.accounts.current import CurrentPartner, Db
from app.accounts.idempotency import OnceOnly
from app.documenting import announced
from app.etags import IfMatch
from app.paging import Page, link_next
from app.webhooks import actions, queries
from app.webhooks.operations_api import router as operations
from app.webhooks.schemas import WebhookMade, WebhookNew, WebhookQuery, WebhookRead, WebhookRevision

router = APIRouter(tags=["webhooks"])
router.include_router(operations)


@router.get("/webhooks")
def list_webhooks(
    database: Db,
    actor: CurrentPartner,
    query: Annotated[WebhookQuery, Query()],
    request: Request,
    response: Response,
) -> Page[WebhookRead]:
    """Your organization's; admins see all."""
    with database.read() as session:
        page = queries.list_webhooks(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/webhooks",
    status_code=status.HTTP_201_CREATED,
    response_model=WebhookMade,
    responses=announced(actions.TooManyWebhooks),
)
async def create_webhook(actor: CurrentPartner, new: WebhookNew, request: Request, once: OnceOnly) -> Response:
    """For your organization, or, by an admin, for another. The answer shows the secret, this once."""
    state = request.app.state
    await actions.check_url(state.settings, state.names, actor, new.url)

    def create(session: Session) -> WebhookMade:
        return actions.create_webhook(session, state.vault, actor, new)

    return await run_in_threadpool(once.create, create, _headers)


@router.get("/webhooks/{webhook_id}")
def read_webhook(database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, response: Response) -> WebhookRead:
    """What it wants, and whether it is sent anything; how it fares is in `…/health`."""
    with database.read() as session:
        webhook = queries.read_webhook(session, actor, webhook_id)
    response.headers["ETag"] = etags.etag(webhook.version)
    return webhook


@router.patch("/webhooks/{webhook_id}")
async def revise_webhook(
    database: Db,
    actor: CurrentPartner,
    webhook_id: uuid.UUID,
    revision: WebhookRevision,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> WebhookRead:
    """JSON Merge Patch (RFC 7396): a word of the filters or a header that is null is taken away.

    With a URL on another host, say the headers anew, so that nobody can have them sent to where they read them.
    """
    state = request.app.state
    if isinstance(revision.url, str):
        await actions.check_url(state.settings, state.names, actor, revision.url)

    def revise() -> WebhookRead:
        with database.write() as session:
            return actions.revise_webhook(session, state.vault, actor, webhook_id, revision, if_match)

    webhook = await run_in_threadpool(revise)
    response.headers["ETag"] = etags.etag(webhook.version)
    return webhook


@router.delete("/webhooks/{webhook_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_webhook(database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, if_match: IfMatch = None) -> None:
    """With the log of what was sent to it."""
    with database.write() as session:
        actions.delete_webhook(session, actor, webhook_id, if_match)


def _headers(made: object) -> dict[str, str]:
    assert isinstance(made, WebhookMade)
    return {"Location": f"/api/v1/webhooks/{made.id}", "ETag": etags.etag(made.version)}
