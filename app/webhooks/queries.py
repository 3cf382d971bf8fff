"""Questions about webhooks: an organisation sees its own, admins see all."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select, true
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.accounts.models import Organization
from app.accounts.queries import organizations_named
from app.accounts.roles import Role
from app.fields import Audience
from app.ledger.selecting import Selection
from app.paging import Order, Page
from app.problems import NotFound
from app.webhooks import lanes
from app.webhooks.models import Webhook, WebhookSecret
from app.webhooks.schemas import WebhookQuery, WebhookRead


def list_webhooks(session: Session, actor: Actor, query: WebhookQuery) -> Page[WebhookRead]:
    """Raises Invalid for an organisation that there is not."""
    order = Order([col(Webhook.id)], descending=True)
    statement = _shown_to(actor)
    if query.organization:
        [organization] = organizations_named(session, actor, [query.organization], "query.organization")
        statement = statement.where(col(Webhook.organization_id) == organization.id)
    if query.state:
        statement = statement.where(col(Webhook.state).in_(query.state))
    rows = session.execute(order.page(statement, query)).all()
    items = [webhook_read(*row[:2]) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def read_webhook(session: Session, actor: Actor, webhook_id: uuid.UUID) -> WebhookRead:
    """Raises NotFound."""
    return webhook_read(*found_webhook(session, actor, webhook_id))


def locked_webhook(session: Session, actor: Actor, webhook_id: uuid.UUID) -> tuple[Webhook, str]:
    """For a change, with the slug of its organisation. Raises NotFound."""
    lanes.lock(session, webhook_id)  # first, as the worker does
    return found_webhook(session, actor, webhook_id, lock=True)


def count_webhooks(session: Session, organization_id: uuid.UUID | None) -> int:
    statement = select(func.count()).where(col(Webhook.organization_id) == organization_id)
    found: int = session.execute(statement).scalar_one()
    return found


def webhook_read(webhook: Webhook, organization: str) -> WebhookRead:
    shown = webhook.model_dump(exclude={"organization_id", "sealed_headers"})
    return WebhookRead(**shown, organization=organization, header_names=sorted(webhook.sealed_headers))


def selection_of(webhook: Webhook | Row[Any], circle: Audience) -> Selection:
    """What it wants, as its organisation reads as far as this."""
    return Selection.of(webhook.types, webhook.filters, circle, all_notices=webhook.filters_were_revised)


def valid_secrets(session: Session, webhook_id: uuid.UUID) -> list[bytes]:
    """Sealed, as they are kept, those of key pairs too; the newest, which signs first, comes first."""
    statement = select(WebhookSecret).where(col(WebhookSecret.webhook_id) == webhook_id, is_valid(clock.now()))
    newest_first = session.scalars(statement.order_by(col(WebhookSecret.id).desc()))
    return [sealed for secret in newest_first for sealed in sealed_in(secret)]


def sealed_in(secret: WebhookSecret | Row[Any]) -> list[bytes]:
    """The one that is shared, then the private key of a pair where there is one."""
    return [sealed for sealed in (secret.sealed, secret.sealed_key) if sealed]


def is_valid(now: Any) -> ColumnElement[bool]:
    """Whether a secret still signs."""
    return or_(col(WebhookSecret.expires_at).is_(None), col(WebhookSecret.expires_at) > now)


def found_webhook(session: Session, actor: Actor, webhook_id: uuid.UUID, lock: bool = False) -> tuple[Webhook, str]:
    """The row itself, and the slug of its organisation. Raises NotFound."""
    statement = _shown_to(actor).where(col(Webhook.id) == webhook_id)
    if lock:
        statement = statement.with_for_update(of=Webhook).execution_options(populate_existing=True)
    found = session.execute(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return found[0], found[1]


def _shown_to(actor: Actor) -> Any:
    statement = select(Webhook, col(Organization.slug))
    return statement.join(Organization, col(Organization.id) == col(Webhook.organization_id)).where(_own(actor))


def _own(actor: Actor) -> ColumnElement[bool]:
    return true() if actor.may(Role.ADMIN) else col(Webhook.organization_id) == actor.organization_id
