"""Verbs that change webhooks. What changes is an event for staff, without secrets and with no more than the host."""

import uuid
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from pydantic import MISSING
from sqlmodel import Session, col, delete

from app import etags
from app.accounts.actor import Actor, system
from app.accounts.models import Organization
from app.accounts.queries import organizations_named
from app.accounts.roles import Role
from app.database import serialize, settings_of
from app.ledger.reading import head
from app.ledger.selecting import match_keys
from app.ledger.words import Filters
from app.narrowing import check_filters, check_types
from app.problems import Conflict, invalid
from app.settings import Settings
from app.vault import Vault
from app.webhooks import addresses, headers, lanes, letters, planning, secrets
from app.webhooks.events import record
from app.webhooks.models import Lane, State, Subscription, Webhook
from app.webhooks.names import Names
from app.webhooks.queries import count_webhooks, locked_webhook, webhook_read
from app.webhooks.schemas import WebhookMade, WebhookNew, WebhookRead, WebhookRevision


class TooManyWebhooks(Conflict):
    """The organization has as many webhooks as it may have"""

    type = "too-many-webhooks"
    remedy = "Delete a webhook that is not needed any more, or ask whoever runs the tracker to allow more."


async def check_url(settings: Settings, names: Names, actor: Actor, url: str) -> None:
    """Raises Invalid. Looks the host up, so it comes before the transaction."""
    policy = addresses.AddressPolicy(settings.webhook_allow_networks, settings.webhook_allow_http)
    try:
        await addresses.check_url(url, policy, names, actor.organization_id)
    except addresses.UnusableUrl as error:
        raise invalid("body.url", str(error)) from None


def create_webhook(session: Session, vault: Vault, actor: Actor, new: WebhookNew) -> WebhookMade:
    """From the present end of the ledger on; the URL has been checked.

    Raises Forbidden for another's organisation, TooManyWebhooks, and Invalid for an organisation that there is not,
    filters that name what is not there, and types that will never come.
    """
    actor.must_be(Role.PARTNER)
    organization = _owner(session, actor, new.organization)
    _leave_room(session, organization)
    reader = _as_reader(organization)
    check_types(reader.audience, new.types)
    check_filters(session, reader, new.filters)
    webhook = Webhook(
        organization_id=organization.id,
        filters=new.filters.model_dump(exclude_none=True),
        sealed_headers=headers.sealed(vault, {}, new.headers),
        state=_state_at_first(session, new),
        paused_once_verified=new.paused,
        **new.model_dump(exclude={"organization", "filters", "headers", "verify", "paused"}),
    )
    session.add(webhook)
    session.flush()
    made = secrets.make(session, vault, webhook)
    here = head(session).seq
    session.add(Lane(webhook_id=webhook.id, cursor_seq=here, wake_seq=here))
    _subscribe(session, webhook)
    record(session, actor, "webhook.created", webhook, organization.slug)
    return WebhookMade(**webhook_read(webhook, organization.slug).model_dump(), **asdict(made))


def revise_webhook(
    session: Session,
    vault: Vault,
    actor: Actor,
    webhook_id: uuid.UUID,
    revision: WebhookRevision,
    if_match: str | None,
) -> WebhookRead:
    """What waits to be delivered goes to the new URL, which has been checked, and by the new types and filters.

    These hold for all that comes after what was delivered last, or from here on where nothing waits.
    """
    actor.must_be(Role.PARTNER)
    if revision.model_fields_set & {"types", "filters"}:
        planning.hold(session)  # before the lane, which planners lock after it
    webhook, organization = locked_webhook(session, actor, webhook_id)
    etags.check(if_match, webhook.version)
    changes = revision.model_dump(exclude={"filters", "headers"})
    if "types" in changes:
        changes["types"] = changes["types"] or []
        check_types(_reader_of(session, webhook).audience, changes["types"])
    if "filters" in revision.model_fields_set:
        changes["filters"] = _revised(session, webhook, revision.filters)
    if revision.headers is not MISSING:
        changes["sealed_headers"] = headers.sealed(vault, webhook.sealed_headers, revision.headers)
    changes = {name: value for name, value in changes.items() if getattr(webhook, name) != value}
    if not changes:
        return webhook_read(webhook, organization)
    if "url" in changes:
        _check_headers_may_move(webhook, changes)
        _begin_anew(session, webhook)
        lanes.reset(session, session.get_one(Lane, webhook_id), webhook.state is State.ACTIVE)
    if "filters" in changes:
        webhook.filters_were_revised = True
    webhook.sqlmodel_update(changes)
    if "v1a" in changes:
        secrets.follow_v1a(session, vault, webhook)
    webhook.touch()
    if changes.keys() & {"types", "filters"}:
        session.execute(delete(Subscription).where(col(Subscription.webhook_id) == webhook.id))
        _subscribe(session, webhook)
        lanes.read_on(session.get_one(Lane, webhook_id), head(session).seq)
    record(session, actor, "webhook.revised", webhook, organization)
    return webhook_read(webhook, organization)


def delete_webhook(session: Session, actor: Actor, webhook_id: uuid.UUID, if_match: str | None) -> None:
    """With its log; that its contact was mailed is remembered. Raises NotFound, Stale."""
    actor.must_be(Role.PARTNER)
    webhook, organization = locked_webhook(session, actor, webhook_id)
    etags.check(if_match, webhook.version)
    session.delete(webhook)
    record(session, actor, "webhook.deleted", webhook, organization)


def disable_webhook(session: Session, webhook_id: uuid.UUID, reason: str) -> None:
    """By the tracker; the lane, which the caller has locked, rests where it is."""
    webhook = session.get_one(Webhook, webhook_id, with_for_update=True, populate_existing=True)
    if webhook.state is State.UNVERIFIED:
        return  # it rests already, and must not go on before it is verified
    webhook.become(State.DISABLED, reason)
    webhook.touch()
    organization = session.get_one(Organization, webhook.organization_id).slug
    record(session, system("worker"), "webhook.disabled", webhook, organization)
    letters.put(session, letters.DISABLED, webhook)


def warn_of_failures(session: Session, webhook_id: uuid.UUID, hours: int) -> None:
    """To staff, and to its contact: the endpoint has failed for so many hours without a success."""
    webhook = session.get_one(Webhook, webhook_id)
    organization = session.get_one(Organization, webhook.organization_id).slug
    record(session, system("worker"), "webhook.failing", webhook, organization, failing_hours=hours)
    letters.put(session, letters.FAILING, webhook)


def _owner(session: Session, actor: Actor, slug: str | None) -> Organization:
    if slug and slug != actor.organization:
        actor.must_be(Role.ADMIN)
        [organization] = organizations_named(session, actor, [slug], "body.organization")
        return organization
    return session.get_one(Organization, actor.organization_id)


def _leave_room(session: Session, organization: Organization) -> None:
    serialize(session, f"webhooks of {organization.id}")
    limit = settings_of(session).webhooks_per_organization
    if count_webhooks(session, organization.id) >= limit:
        raise TooManyWebhooks(
            f"{organization.slug} has {limit} webhooks, which is as many as it may have; delete one first.",
            limit=limit,
        )


def _state_at_first(session: Session, new: WebhookNew) -> State:
    if new.verify or settings_of(session).webhook_verify:
        return State.UNVERIFIED  # also where it is to be paused: it is so once it is verified
    return State.PAUSED if new.paused else State.ACTIVE


def _reader_of(session: Session, webhook: Webhook) -> Actor:
    return _as_reader(session.get_one(Organization, webhook.organization_id))


def _as_reader(organization: Organization) -> Actor:
    """Whom the webhook is for: it may see less than those of its people who set one up."""
    return Actor(role=None, audience=organization.reads, organization_id=organization.id)


def _check_headers_may_move(webhook: Webhook, changes: dict[str, Any]) -> None:
    """Whoever may change the URL must not learn by that what is never shown."""
    kept = changes.get("sealed_headers", webhook.sealed_headers).items() & webhook.sealed_headers.items()
    if kept and urlsplit(changes["url"])[:2] != urlsplit(webhook.url)[:2]:
        names = ", ".join(sorted(name for name, _ in kept))
        raise invalid("body.headers", f"the URL leads to another host: say anew, or take away with null, {names}")


def _begin_anew(session: Session, webhook: Webhook) -> None:
    """What the old URL did is not held against a new one, but it has to be proven whose it is, where that matters."""
    if webhook.verified_at or settings_of(session).webhook_verify:
        if webhook.state is not State.UNVERIFIED:
            webhook.paused_once_verified = webhook.state is State.PAUSED
        webhook.become(State.UNVERIFIED)
        webhook.verified_at = None
    elif webhook.state is State.DISABLED:
        webhook.become(State.ACTIVE)


def _revised(session: Session, webhook: Webhook, patch: Any) -> dict[str, Any]:
    if not isinstance(patch, Filters):
        return {}
    check_filters(session, _reader_of(session, webhook), patch)
    patched = {**webhook.filters, **patch.model_dump(exclude_unset=True)}
    return {word: value for word, value in patched.items() if value is not None}


def _subscribe(session: Session, webhook: Webhook) -> None:
    keys = sorted(match_keys(webhook.types, webhook.filters))
    session.add_all([Subscription(match_key=key, webhook_id=webhook.id) for key in keys])
