"""What each event about a webhook tells staff, and what a message to try one says."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel
from sqlmodel import Session

from app import ledger
from app.accounts.actor import Actor
from app.fields import Audience
from app.webhooks.models import State, Webhook


class WebhookTold(BaseModel):
    """No more of the URL than its host: the rest may hold a token."""

    id: uuid.UUID
    organization: str
    host: str | None
    types: list[str]
    filters: dict[str, Any]
    state: State
    state_reason: str | None


class AboutWebhook(BaseModel):
    webhook: WebhookTold


class WebhookFailing(AboutWebhook):
    failing_hours: int


class WebhookId(BaseModel):
    id: uuid.UUID


class WebhookTest(BaseModel):
    webhook: WebhookId


class WebhookChallenge(WebhookTest):
    challenge: str


EVENTS: dict[str, type[BaseModel]] = {
    "webhook.created": AboutWebhook,
    "webhook.deleted": AboutWebhook,
    "webhook.disabled": AboutWebhook,
    "webhook.failing": WebhookFailing,
    "webhook.paused": AboutWebhook,
    "webhook.replay_begun": AboutWebhook,
    "webhook.replay_cancelled": AboutWebhook,
    "webhook.resumed": AboutWebhook,
    "webhook.revised": AboutWebhook,
    "webhook.secret_rotated": AboutWebhook,
    "webhook.verified": AboutWebhook,
}
BESIDE_THE_LEDGER: dict[str, tuple[str, type[BaseModel]]] = {
    "webhook.test": ("Tries an endpoint: sent when its organization asks for it, and no event.", WebhookTest),
    "webhook.verification": ("Asks an endpoint whose it is: answer with the challenge. No event.", WebhookChallenge),
}


def subject(webhook_id: uuid.UUID) -> str:
    """What its events are about, as the ledger has it."""
    return f"webhook:{webhook_id}"


def record(session: Session, actor: Actor, type: str, webhook: Webhook, organization: str, **more: Any) -> None:
    """For staff; `organization` is the slug of the webhook's own."""
    about = ledger.About(keys=[f"organization:{organization}"], thing=subject(webhook.id))
    told = WebhookTold(
        organization=organization,
        host=urlsplit(webhook.url).hostname,
        **webhook.model_dump(include={"id", "types", "filters", "state", "state_reason"}),
    )
    ledger.record(session, actor, type, about, audience=Audience.STAFF, webhook=told.model_dump(mode="json"), **more)
