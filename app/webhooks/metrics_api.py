"""The page that Prometheus reads."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.accounts.current import Db
from app.documenting import announced
from app.problems import NotFound, Unauthenticated, Unavailable
from app.settings import Settings

router = APIRouter(tags=["health"])
bearer = HTTPBearer(auto_error=False, scheme_name="Metrics", description="The setting `DEMANDS_METRICS_TOKEN`.")
RESPONSES = {
    **announced(NotFound, Unauthenticated, Unavailable),
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Metrics"},
}


@router.get("/metrics", responses=RESPONSES, response_class=Response)
def read_metrics(
    database: Db, request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Response:
    """How deliveries fare, of all processes together. There is no such page unless `DEMANDS_METRICS_TOKEN` is set."""
    _check(request.app.state.settings, given)
    from app.webhooks import measuring  # noqa: PLC0415  # slow to import, and most processes never need it

    with database.read() as session:
        return Response(measuring.exposition(session), media_type=measuring.MEDIA_TYPE)


def _check(settings: Settings, given: HTTPAuthorizationCredentials | None) -> None:
    if not settings.metrics_token:
        raise NotFound("There are no metrics here: DEMANDS_METRICS_TOKEN is not set.")
    token = settings.metrics_token.get_secret_value().encode()
    if given is None or not hmac.compare_digest(given.credentials.encode(), token):
        raise Unauthenticated("This needs what DEMANDS_METRICS_TOKEN is; send it as `Authorization: Bearer …`.")
