"""Routes to see what a webhook was sent, to try it, and to steer what it is sent next."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel

from app import etags
from app.accounts.current import CurrentPartner, Db
from app.accounts.idempotency import OnceOnly, UnderWay
from app.documenting import announced
from app.etags import IfMatch
from app.paging import Page, PageQuery, link_next
from app.problems import Conflict
from app.webhooks import history, inspecting, pausing, probing, replaying, rotating, secrets, verifying
from app.webhooks.reports import (
    AttemptQuery,
    AttemptRead,
    HealthQuery,
    PolledPage,
    PollQuery,
    UndeliveredRead,
    WebhookHealth,
    WebhookHistoryEntry,
)
from app.webhooks.schemas import (
    Pause,
    PublicKeyRead,
    ReplayNew,
    ReplayRead,
    RetryNew,
    SecretMade,
    SecretRotation,
    TestAnswer,
    VerificationAnswer,
    WebhookRead,
)

router = APIRouter(prefix="/webhooks/{webhook_id}")


@router.get("/attempts")
def list_attempts(
    database: Db,
    actor: CurrentPartner,
    webhook_id: uuid.UUID,
    query: Annotated[AttemptQuery, Query()],
    request: Request,
    response: Response,
) -> Page[AttemptRead]:
    """What was sent, and what came back: the newest first.

    Kept for 30 days, unless the operator says otherwise (`DEMANDS_WEBHOOK_ATTEMPTS_DAYS`).
    """
    with database.read() as session:
        page = inspecting.list_attempts(session, actor, webhook_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get("/undelivered")
def list_undelivered(
    database: Db,
    actor: CurrentPartner,
    webhook_id: uuid.UUID,
    query: Annotated[PageQuery, Query()],
    request: Request,
    response: Response,
) -> Page[UndeliveredRead]:
    """What was given up: the endpoint refused it, or did not take it for five days. Listed for a year."""
    with database.read() as session:
        page = inspecting.list_undelivered(session, actor, webhook_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get("/history")
def list_history(
    database: Db,
    actor: CurrentPartner,
    webhook_id: uuid.UUID,
    query: Annotated[PageQuery, Query()],
    request: Request,
    response: Response,
) -> Page[WebhookHistoryEntry]:
    """What was done to it, when, and by whom, such as that it was paused and let go on: the newest first."""
    with database.read() as session:
        page = history.list_history(session, actor, webhook_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/undelivered/retries",
    status_code=status.HTTP_201_CREATED,
    response_model=ReplayRead,
    responses=announced(replaying.TooManyReplays),
)
def retry_undelivered(actor: CurrentPartner, webhook_id: uuid.UUID, new: RetryNew, once: OnceOnly) -> Response:
    """One or all, in their order, as a replay."""
    return once.create(lambda session: replaying.retry_undelivered(session, actor, webhook_id, new), _replay_headers)


@router.post(
    "/replay",
    status_code=status.HTTP_201_CREATED,
    response_model=ReplayRead,
    responses=announced(replaying.TooManyReplays),
)
def create_replay(actor: CurrentPartner, webhook_id: uuid.UUID, new: ReplayNew, once: OnceOnly) -> Response:
    """Sends all that the webhook wants from there on, up to what is delivered so far; what is new goes first.

    What was sent before is sent again, with the same `webhook-id`. What never was is sent too: what was passed over,
    what the webhook's filters left out at the time, and what happened before it was set up.
    """
    return once.create(lambda session: replaying.create_replay(session, actor, webhook_id, new), _replay_headers)


@router.get("/replay")
def list_replays(
    database: Db,
    actor: CurrentPartner,
    webhook_id: uuid.UUID,
    query: Annotated[PageQuery, Query()],
    request: Request,
    response: Response,
) -> Page[ReplayRead]:
    """What was asked to be sent again, and how far it has got: the newest first."""
    with database.read() as session:
        page = replaying.list_replays(session, actor, webhook_id, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get("/replay/{replay_id}")
def read_replay(database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, replay_id: uuid.UUID) -> ReplayRead:
    """What of it was delivered, and what is still to be sent."""
    with database.read() as session:
        return replaying.read_replay(session, actor, webhook_id, replay_id)


@router.delete("/replay/{replay_id}")
def cancel_replay(database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, replay_id: uuid.UUID) -> ReplayRead:
    """Ends it where it is. What is on its way by now still arrives."""
    with database.write() as session:
        return replaying.cancel_replay(session, actor, webhook_id, replay_id)


@router.put("/paused", responses=announced(pausing.Disabled, pausing.Unverified, replaying.TooManyReplays))
def pause_webhook(
    database: Db,
    actor: CurrentPartner,
    webhook_id: uuid.UUID,
    pause: Pause,
    response: Response,
    if_match: IfMatch = None,
) -> WebhookRead:
    """Pause it, or let it go on, be it paused, disabled or between two tries. What happens meanwhile is kept for it."""
    with database.write() as session:
        webhook = pausing.pause_webhook(session, actor, webhook_id, pause, if_match)
    response.headers["ETag"] = etags.etag(webhook.version)
    return webhook


@router.post(
    "/secret",
    status_code=status.HTTP_201_CREATED,
    response_model=SecretMade,
    responses=announced(rotating.TooManySecrets),
)
def rotate_secret(
    actor: CurrentPartner,
    webhook_id: uuid.UUID,
    request: Request,
    once: OnceOnly,
    rotation: SecretRotation = SecretRotation(),  # noqa: B008  # frozen by its validation
    if_match: IfMatch = None,
) -> Response:
    """A new secret, shown this once, and key pair with `v1a`. Until the grace is over, both old and new sign."""
    vault = request.app.state.vault
    return once.create(lambda session: rotating.rotate_secret(session, vault, actor, webhook_id, rotation, if_match))


@router.get("/public-key")
def read_public_key(database: Db, webhook_id: uuid.UUID, request: Request) -> PublicKeyRead:
    """What proves the signatures `v1a`, for anyone. Keep it in the receiver: never take a key from a message."""
    with database.read() as session:
        return secrets.read_public_key(session, request.app.state.vault, webhook_id)


@router.post("/test", response_model=TestAnswer, responses=announced(UnderWay, pausing.Unverified))
async def send_test(
    database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, request: Request, once: OnceOnly
) -> Response:
    """Sends a signed `webhook.test` at once and shows what came back."""
    state = request.app.state
    vault, settings, names = state.vault, state.settings, state.names
    return await once.send(lambda: probing.send_test(database, vault, settings, names, actor, webhook_id))


@router.post("/verification", response_model=VerificationAnswer, responses=announced(UnderWay, Conflict))
async def send_challenge(
    database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, request: Request, once: OnceOnly
) -> Response:
    """Sends a signed `webhook.verification` at once; an endpoint that answers with its `challenge` is verified.

    The answer's body is the challenge alone, or a JSON object that has it as `challenge`. A webhook that waited for it
    gets what happened meanwhile, too.
    """
    state = request.app.state
    vault, settings, names = state.vault, state.settings, state.names
    return await once.send(lambda: verifying.send_challenge(database, vault, settings, names, actor, webhook_id))


@router.get("/events")
def read_events(
    database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, query: Annotated[PollQuery, Query()], request: Request
) -> PolledPage:
    """The same messages to fetch, for those who cannot be reached: oldest first, from a cursor on."""
    api_url = f"{request.app.state.settings.base_url}/api/v1"
    with database.read() as session:
        return inspecting.read_events(session, actor, webhook_id, query, api_url)


@router.get("/health")
def read_health(
    database: Db, actor: CurrentPartner, webhook_id: uuid.UUID, query: Annotated[HealthQuery, Query()]
) -> WebhookHealth:
    """Whether it gets what it wants: what came of the attempts of the last `hours`, and what waits at this moment."""
    with database.read() as session:
        return inspecting.read_health(session, actor, webhook_id, query)


def _replay_headers(made: BaseModel) -> dict[str, str]:
    assert isinstance(made, ReplayRead)
    return {"Location": f"/api/v1/webhooks/{made.webhook_id}/replay/{made.id}"}
