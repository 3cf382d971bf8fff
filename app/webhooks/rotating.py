"""A new secret, and key pair where there is one, while those before sign as well for some time."""

import datetime
import uuid
from dataclasses import asdict

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app import clock, etags
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.fields import utc
from app.problems import Conflict
from app.vault import Vault
from app.webhooks import secrets
from app.webhooks.events import record
from app.webhooks.models import WebhookSecret
from app.webhooks.queries import locked_webhook
from app.webhooks.schemas import SecretMade, SecretRotation

MOST_SECRETS = 3


class TooManySecrets(Conflict):
    """The webhook has as many secrets as it may have"""

    type = "too-many-secrets"
    remedy = "Wait until `ends_at`, or send `grace_hours: 0`, which ends all earlier secrets at once."


def rotate_secret(
    session: Session,
    vault: Vault,
    actor: Actor,
    webhook_id: uuid.UUID,
    rotation: SecretRotation,
    if_match: str | None,
) -> SecretMade:
    """Raises NotFound, Stale, TooManySecrets."""
    actor.must_be(Role.PARTNER)
    webhook, organization = locked_webhook(session, actor, webhook_id)
    etags.check(if_match, webhook.version)
    until = clock.now() + datetime.timedelta(hours=rotation.grace_hours)
    of_webhook = col(WebhookSecret.webhook_id) == webhook_id
    session.execute(delete(WebhookSecret).where(of_webhook, col(WebhookSecret.expires_at) <= clock.now()))
    before = session.exec(select(WebhookSecret).where(of_webhook)).all()
    if rotation.grace_hours and len(before) == MOST_SECRETS:
        ends_at = utc(min(secret.expires_at for secret in before if secret.expires_at))
        raise TooManySecrets(
            f"{MOST_SECRETS} secrets sign already, as many as may. The first of them ends at {ends_at}; with"
            " grace_hours: 0 they all end at once.",
            limit=MOST_SECRETS,
            ends_at=ends_at,
        )
    for secret in before:
        secret.expires_at = min(secret.expires_at or until, until)
    made = secrets.make(session, vault, webhook)
    webhook.touch()
    record(session, actor, "webhook.secret_rotated", webhook, organization)
    return SecretMade(**asdict(made), previous_until=until)
