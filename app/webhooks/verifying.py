"""Whether an endpoint is its organisation's: it proves that by echoing a challenge, which reaches nobody else."""

import asyncio
import hmac
import json
import secrets as random
import uuid

from app import clock
from app.accounts.actor import Actor
from app.database import Database
from app.problems import Conflict
from app.settings import Settings
from app.vault import Vault
from app.webhooks import pausing, probing
from app.webhooks.answers import Outcome
from app.webhooks.events import WebhookChallenge, WebhookId, record
from app.webhooks.models import State
from app.webhooks.names import Names
from app.webhooks.queries import locked_webhook
from app.webhooks.schemas import TestAnswer, VerificationAnswer

TYPE = "webhook.verification"
NO_ECHO = "The endpoint answered, but its body was neither the challenge nor a JSON object with it as `challenge`."


async def send_challenge(
    database: Database, vault: Vault, settings: Settings, names: Names, actor: Actor, webhook_id: uuid.UUID
) -> VerificationAnswer:
    """At once, as often as asked; the first echo lets a webhook go on that waited for it. Raises NotFound, Conflict."""
    challenge = random.token_urlsafe(24)
    said = WebhookChallenge(webhook=WebhookId(id=webhook_id), challenge=challenge)
    url, answer = await probing.send(database, vault, settings, names, actor, webhook_id, TYPE, said)
    if not _echoes(answer, challenge):
        detail = NO_ECHO if answer.outcome is Outcome.DELIVERED else answer.detail
        return VerificationAnswer(**answer.model_dump() | {"detail": detail}, verified=False)
    await asyncio.to_thread(_believe, database, actor, webhook_id, url)
    return VerificationAnswer(**answer.model_dump(), verified=True)


def _echoes(answer: TestAnswer, challenge: str) -> bool:
    if answer.outcome is not Outcome.DELIVERED:
        return False
    try:
        told = json.loads(answer.response_body)
    except (ValueError, RecursionError):
        told = answer.response_body.strip()
    echo = told.get("challenge") if isinstance(told, dict) else told
    return isinstance(echo, str) and hmac.compare_digest(echo.encode(), challenge.encode())


def _believe(database: Database, actor: Actor, webhook_id: uuid.UUID, url: str) -> None:
    with database.write() as session:
        webhook, organization = locked_webhook(session, actor, webhook_id)
        if webhook.url != url:
            raise Conflict("The webhook has another URL by now; send it a challenge too.")
        webhook.verified_at = clock.now()
        if webhook.state is State.UNVERIFIED and webhook.paused_once_verified:
            webhook.become(State.PAUSED)
        elif webhook.state is State.UNVERIFIED:
            pausing.resume(session, actor, webhook, "catch_up")
        webhook.touch()
        record(session, actor, "webhook.verified", webhook, organization)
