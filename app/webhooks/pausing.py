"""A webhook rests at its organisation's wish, and goes on from where they choose."""

import datetime
import uuid

from sqlmodel import Session

from app import clock
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.ledger.reading import head
from app.problems import Conflict, invalid
from app.webhooks import lanes
from app.webhooks.actions import record
from app.webhooks.models import Lane, State, Webhook
from app.webhooks.queries import locked_webhook, webhook_read
from app.webhooks.replaying import first_since
from app.webhooks.schemas import Pause, WebhookRead


class Disabled(Conflict):
    """The tracker has disabled this webhook"""

    type = "webhook-disabled"


def pause_webhook(session: Session, actor: Actor, webhook_id: uuid.UUID, pause: Pause) -> WebhookRead:
    """Pause it, or let it go on; doing it twice changes nothing. Raises NotFound, Disabled, Invalid."""
    actor.must_be(Role.PARTNER)
    webhook, organization = locked_webhook(session, actor, webhook_id)
    if pause.paused and "from_" in pause.model_fields_set:
        raise invalid("body.from", "this says where a webhook goes on, so it comes with paused: false")
    if pause.paused and webhook.state is State.DISABLED:
        raise Disabled("It rests already: the tracker has disabled it. Let it go on with paused: false.")
    if pause.paused == (webhook.state is not State.ACTIVE):
        return webhook_read(webhook, organization)
    if pause.paused:
        webhook.state = State.PAUSED  # a worker at it finds out when it settles
    else:
        _resume(session, webhook, pause)
    webhook.touch()
    record(session, actor, "webhook.paused" if pause.paused else "webhook.resumed", webhook, organization)
    return webhook_read(webhook, organization)


def _resume(session: Session, webhook: Webhook, pause: Pause) -> None:
    webhook.state, webhook.state_reason, webhook.resumed_at = State.ACTIVE, None, clock.now()
    lane = session.get_one(Lane, webhook.id)
    lane.cursor_seq = max(lane.cursor_seq, _start(session, pause))  # what lies further back is for a replay
    lane.fail_streak, lane.first_fail_at, lane.warned_hours = 0, None, 0
    if lane.lease_owner is None:
        lane.ready_at = None  # no waiting for a retry of long ago
    session.flush()
    lanes.stir(session, webhook.id)


def _start(session: Session, pause: Pause) -> int:
    if isinstance(pause.from_, datetime.datetime):
        if pause.from_ > clock.now():
            raise invalid("body.from", "this lies in the future")
        return first_since(session, pause.from_) - 1
    return head(session).seq if pause.from_ == "now" else 0
