"""Routes to follow by e-mail."""

from fastapi import APIRouter, Request, Response, status

from app.accounts.clients import client_of
from app.accounts.idempotency import OnceOnly
from app.documenting import announced
from app.follows import actions
from app.follows.schemas import FollowAsked, FollowNew
from app.problems import TooManyRequests

router = APIRouter(tags=["changes"])


@router.post(
    "/follows",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=FollowAsked,
    responses=announced(actions.MailIsOff, TooManyRequests),
)
def ask_to_follow(new: FollowNew, request: Request, once: OnceOnly) -> Response:
    """Be mailed what happens, without an account: as anyone may see it, once the address has confirmed it.

    Every mail has a link to end it. Following by the same filter again replaces what was followed before.
    """
    client, vault = client_of(request), request.app.state.vault
    return once.create(
        lambda session: actions.ask_to_follow(session, vault, client, new), status=lambda _: status.HTTP_202_ACCEPTED
    )
