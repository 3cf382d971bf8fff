"""What was done to a webhook, by whom: its own events, told to its organisation without who the staff are."""

import uuid
from collections.abc import Mapping

from sqlmodel import Session, col, select

from app.accounts.actor import Actor
from app.accounts.queries import key_beginnings
from app.ledger.models import Event
from app.ledger.telling import sentence
from app.paging import Order, Page, PageQuery
from app.webhooks.events import subject
from app.webhooks.queries import found_webhook
from app.webhooks.reports import DoneBy, WebhookHistoryEntry


def list_history(session: Session, actor: Actor, webhook_id: uuid.UUID, query: PageQuery) -> Page[WebhookHistoryEntry]:
    """The newest first. Raises NotFound."""
    webhook, organization = found_webhook(session, actor, webhook_id)
    order = Order([col(Event.seq)], descending=True, within=str(webhook_id))
    rows = session.execute(order.page(select(Event).where(Event.subject == subject(webhook_id)), query)).all()
    keys = key_beginnings(session, webhook.organization_id)
    items = [_entry(row[0], organization, keys) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def _entry(event: Event, organization: str, keys: Mapping[str, str]) -> WebhookHistoryEntry:
    told = event.data or {}
    return WebhookHistoryEntry(
        seq=event.seq,
        recorded_at=event.recorded_at,
        type=event.type,
        what=sentence(event.type, event.data),
        by=_by(event, organization),
        key=keys.get(event.actor["key"] or ""),
        webhook=told.get("webhook"),
        failing_hours=told.get("failing_hours"),
    )


def _by(event: Event, organization: str) -> DoneBy:
    if event.actor["organization"] == organization:
        return DoneBy.ORGANIZATION
    return DoneBy.TRACKER if event.actor["name"] == "worker" else DoneBy.STAFF
