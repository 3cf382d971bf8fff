"""What each event about a webhook tells staff, and what a message to try one says."""

import uuid
from typing import Any

from pydantic import BaseModel

from app.webhooks.models import State


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
    "webhook.resumed": AboutWebhook,
    "webhook.revised": AboutWebhook,
    "webhook.secret_rotated": AboutWebhook,
    "webhook.verified": AboutWebhook,
}
BESIDE_THE_LEDGER: dict[str, tuple[str, type[BaseModel]]] = {
    "webhook.test": ("Tries an endpoint: sent when its organization asks for it, and no event.", WebhookTest),
    "webhook.verification": ("Asks an endpoint whose it is: answer with the challenge. No event.", WebhookChallenge),
}
