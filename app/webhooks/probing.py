"""A message to try an endpoint with: sent at once, beside the ledger and the lane."""

import asyncio
import uuid
from importlib import import_module

import orjson
from pydantic import BaseModel

from app import clock
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.database import Database
from app.fields import utc
from app.settings import Settings
from app.tables import new_id
from app.vault import Vault
from app.webhooks import lanes, signing
from app.webhooks.addresses import AddressPolicy
from app.webhooks.answers import Answer, Outcome, outcome_of, readable
from app.webhooks.events import WebhookId, WebhookTest
from app.webhooks.headers import opened
from app.webhooks.messages import webhook_id_of
from app.webhooks.models import Lane, State, Webhook
from app.webhooks.names import Names
from app.webhooks.pausing import check_verified
from app.webhooks.queries import found_webhook, locked_webhook, valid_secrets
from app.webhooks.schemas import TestAnswer

TYPE = "webhook.test"


async def send_test(
    database: Database, vault: Vault, settings: Settings, names: Names, actor: Actor, webhook_id: uuid.UUID
) -> TestAnswer:
    """Whether the webhook is paused or disabled does not matter; one that waits for a retry goes on if it is well.

    Raises NotFound, Unverified.
    """
    said = WebhookTest(webhook=WebhookId(id=webhook_id))
    url, answer = await send(database, vault, settings, names, actor, webhook_id, TYPE, said)
    if answer.outcome is Outcome.DELIVERED:
        await asyncio.to_thread(_retry_now, database, actor, webhook_id, url)
    return answer


async def send(
    database: Database,
    vault: Vault,
    settings: Settings,
    names: Names,
    actor: Actor,
    webhook_id: uuid.UUID,
    type: str,
    said: BaseModel,
) -> tuple[str, TestAnswer]:
    """What came of it, and at which URL. Raises NotFound."""
    webhook, own_headers, secrets = await asyncio.to_thread(_endpoint, database, vault, actor, webhook_id, type)
    message_id = webhook_id_of(new_id())
    now = clock.now()
    body = orjson.dumps({"type": type, "timestamp": utc(now), "data": said.model_dump(mode="json")})
    headers = signing.headers(secrets, message_id, int(now.timestamp()), body)
    answer = await _post(settings, names, webhook, own_headers | headers, body)
    return webhook.url, TestAnswer(
        event=message_id,
        outcome=outcome_of(answer),
        status=answer.status,
        error=answer.error,
        detail=answer.detail,
        duration_ms=answer.duration_ms,
        remote_address=answer.remote_address,
        request_headers=dict(answer.request_headers),
        response_headers=dict(answer.response_headers),
        response_body=readable(answer.response_body),
    )


def _endpoint(
    database: Database, vault: Vault, actor: Actor, webhook_id: uuid.UUID, type: str
) -> tuple[Webhook, dict[str, str], list[str]]:
    """In a thread, and done with the database before anything is sent."""
    actor.must_be(Role.PARTNER)
    with database.read() as session:
        webhook, _ = found_webhook(session, actor, webhook_id)
        if type == TYPE:
            check_verified(webhook)
        sealed = valid_secrets(session, webhook_id)
    return webhook, opened(vault.open, webhook.sealed_headers), [vault.open(secret).decode() for secret in sealed]


def _retry_now(database: Database, actor: Actor, webhook_id: uuid.UUID, url: str) -> None:
    with database.write() as session:
        webhook, _ = locked_webhook(session, actor, webhook_id)
        if webhook.url == url and webhook.state is State.ACTIVE:
            lanes.retry_now(session, session.get_one(Lane, webhook_id))


async def _post(settings: Settings, names: Names, webhook: Webhook, headers: dict[str, str], body: bytes) -> Answer:
    sending = await asyncio.to_thread(import_module, "app.webhooks.sending")  # its client takes long to load
    tls = await asyncio.to_thread(sending.trusted_authorities)
    policy = AddressPolicy(settings.webhook_allow_networks, settings.webhook_allow_http)
    agent = f"Demand-Tracker (+{settings.base_url})"
    async with sending.Sender(policy, names=names, tls=tls, user_agent=agent) as sender:
        party, timeout_seconds = webhook.organization_id, settings.webhook_timeout_seconds
        answer: Answer = await sender.post(webhook.url, headers, body, timeout_seconds, party)
    return answer
