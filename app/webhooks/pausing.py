"""A webhook rests at its organisation's wish, and goes on from where they choose."""

import datetime
import uuid

from sqlmodel import Session

from app import clock, etags
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.ledger.reading import head
from app.problems import Conflict, invalid
from app.webhooks import lanes, replaying
from app.webhooks.events import record
from app.webhooks.models import Lane, State, Webhook
from app.webhooks.queries import locked_webhook, webhook_read
from app.webhooks.schemas import Pause, Start, WebhookRead


class Disabled(Conflict):
    """The tracker has disabled this webhook"""

    type = "webhook-disabled"
    remedy = 'It rests already. Mend the endpoint, then let it go on: `PUT …/paused` with `{"paused": false}`.'


class Unverified(Conflict):
    """The endpoint has not proven yet that it is its organization's"""

    type = "webhook-unverified"
    remedy = "Have the endpoint echo the challenge that `POST …/verification` sends."


def pause_webhook(
    session: Session, actor: Actor, webhook_id: uuid.UUID, pause: Pause, if_match: str | None = None
) -> WebhookRead:
    """Pause it, or let it go on: now, if it waits for a retry, and from a later place, if that is wanted.

    Raises NotFound, Stale, Unverified, Disabled, TooManyReplays, and Invalid for a time in the future.
    """
    actor.must_be(Role.PARTNER)
    webhook, organization = locked_webhook(session, actor, webhook_id)
    etags.check(if_match, webhook.version)
    if pause.paused and "from_" in pause.model_fields_set:
        raise invalid("body.from", "this says where a webhook goes on, so it comes with paused: false")
    check_verified(webhook)
    if pause.paused and webhook.state is State.DISABLED:
        raise Disabled("It rests already: the tracker has disabled it. Let it go on with paused: false.")
    if not pause.paused and webhook.state is State.ACTIVE:
        if _step_to(session, actor, webhook, pause.from_):
            record(session, actor, "webhook.resumed", webhook, organization)
        lanes.retry_now(session, session.get_one(Lane, webhook_id))
        return webhook_read(webhook, organization)
    if pause.paused and webhook.state is State.PAUSED:
        return webhook_read(webhook, organization)
    if pause.paused:
        webhook.become(State.PAUSED)  # a worker at it finds out when it settles
    else:
        resume(session, actor, webhook, pause.from_)
    webhook.touch()
    record(session, actor, "webhook.paused" if pause.paused else "webhook.resumed", webhook, organization)
    return webhook_read(webhook, organization)


def check_verified(webhook: Webhook) -> None:
    """Raises Unverified."""
    if webhook.state is State.UNVERIFIED:
        raise Unverified("It waits for its endpoint to echo a challenge, which `POST …/verification` sends.")


def resume(session: Session, actor: Actor, webhook: Webhook, start: Start) -> None:
    """Raises Invalid for a time in the future, TooManyReplays."""
    webhook.become(State.ACTIVE)
    _step_to(session, actor, webhook, start)
    lane = session.get_one(Lane, webhook.id)
    lanes.forget_failures(session, lane)
    lanes.retry_now(session, lane)


def _step_to(session: Session, actor: Actor, webhook: Webhook, start: Start) -> bool:
    """Pass over what lies before, but for what is taken back there; what the lane has passed already is for a replay.

    Tells whether it was moved.
    """
    lane, seq = session.get_one(Lane, webhook.id), _seq_before(session, start)
    if seq <= lane.cursor_seq:
        return False
    passed, lane.cursor_seq = lane.cursor_seq, seq
    replaying.send_notices(session, actor, webhook, passed, seq)
    return True


def _seq_before(session: Session, start: Start) -> int:
    if isinstance(start, datetime.datetime):
        if start > clock.now():
            raise invalid("body.from", "this lies in the future")
        return replaying.first_since(session, start) - 1
    return head(session).seq if start == "now" else 0
