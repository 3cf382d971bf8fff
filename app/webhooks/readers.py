"""The webhooks that are active, as readers: how far each may see, what it wants, and what signs for it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from app import clock
from app.accounts.models import Organization
from app.fields import Audience
from app.ledger.selecting import Selection
from app.webhooks.models import Payload, State, Webhook, WebhookSecret
from app.webhooks.queries import is_valid, sealed_in, selection_of
from app.webhooks.resending import running

Wants = tuple[Audience, Payload]  # what the messages of a webhook depend on


@dataclass(frozen=True)
class Reader:
    webhook_id: uuid.UUID
    organization_id: uuid.UUID
    url: str
    payload: Payload
    sealed_headers: dict[str, str]
    circle: Audience
    selection: Selection
    replays: bool
    sealed_secrets: list[bytes]  # the newest first

    @property
    def wants(self) -> Wants:
        return self.circle, self.payload


def readers_of(session: Session, webhook_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Reader]:
    """Of those that are active."""
    found = session.connection().execute(_active(), {"ids": webhook_ids, "now": clock.now()})
    readers: dict[uuid.UUID, Reader] = {}
    for row in found:
        if row.id not in readers:
            readers[row.id] = Reader(
                webhook_id=row.id,
                organization_id=row.organization_id,
                url=row.url,
                payload=row.payload,
                sealed_headers=row.sealed_headers,
                circle=row.reads,
                selection=selection_of(row, row.reads),
                replays=row.replays,
                sealed_secrets=[],
            )
        readers[row.id].sealed_secrets.extend(sealed_in(row))
    return readers


@cache
def _active() -> Any:
    """A row for each secret. Made once, since making it costs more than running it."""
    valid = and_(col(WebhookSecret.webhook_id) == col(Webhook.id), is_valid(bindparam("now", type_=UTCDateTime())))
    return (
        select(
            col(Webhook.id),
            col(Webhook.organization_id),
            col(Webhook.url),
            col(Webhook.payload),
            col(Webhook.sealed_headers),
            col(Webhook.types),
            col(Webhook.filters),
            col(Webhook.filters_were_revised),
            col(Organization.reads),
            running(col(Webhook.id)).label("replays"),
            col(WebhookSecret.sealed),
            col(WebhookSecret.sealed_key),
        )
        .select_from(Webhook)
        .join(Organization, col(Organization.id) == col(Webhook.organization_id))
        .outerjoin(WebhookSecret, valid)
        .where(col(Webhook.id).in_(bindparam("ids", expanding=True)), col(Webhook.state) == State.ACTIVE)
        .order_by(col(WebhookSecret.id).desc())
    )
