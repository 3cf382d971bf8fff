"""What signs a webhook's messages: a secret that its receiver shares, and a key pair where one is wanted."""

import uuid
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from app import clock
from app.problems import NotFound
from app.vault import Vault
from app.webhooks import signing
from app.webhooks.models import Webhook, WebhookSecret
from app.webhooks.schemas import PreviousKey, PublicKeyRead


@dataclass(frozen=True)
class Made:
    """What the receiver needs to know."""

    secret: str
    public_key: str | None


def make(session: Session, vault: Vault, webhook: Webhook) -> Made:
    """Signs from now on."""
    secret = signing.new_secret()
    keys = signing.new_key_pair() if webhook.v1a else None
    session.add(
        WebhookSecret(
            webhook_id=webhook.id,
            sealed=vault.seal(secret.encode()),
            sealed_key=vault.seal(keys.secret.encode()) if keys else None,
        )
    )
    return Made(secret, keys.public if keys else None)


def follow_v1a(session: Session, vault: Vault, webhook: Webhook) -> None:
    """Give the present secret a key pair, or take them all away, as the webhook has it now."""
    for row in session.exec(select(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id)):
        if not webhook.v1a:
            row.sealed_key = None
        elif row.expires_at is None and row.sealed_key is None:
            row.sealed_key = vault.seal(signing.new_key_pair().secret.encode())


def read_public_key(session: Session, vault: Vault, webhook_id: uuid.UUID) -> PublicKeyRead:
    """For whoever knows the webhook's id. Raises NotFound, which does not tell whether there is such a webhook."""
    valid = or_(col(WebhookSecret.expires_at).is_(None), col(WebhookSecret.expires_at) > clock.now())
    pairs = select(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id, valid)
    newest_first = session.exec(pairs.order_by(col(WebhookSecret.id).desc())).all()
    public = [
        (signing.public_key(vault.open(row.sealed_key).decode()), row.expires_at)
        for row in newest_first
        if row.sealed_key
    ]
    if not public:
        raise NotFound(f"There is no key pair of a webhook {webhook_id}; `v1a: true` gives it one.")
    previous = [PreviousKey(public_key=key, until=until) for key, until in public[1:] if until]
    return PublicKeyRead(public_key=public[0][0], previous=previous)
