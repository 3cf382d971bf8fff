"""Questions about how deliveries fare: the log, what was given up, and the health of an endpoint."""

import datetime
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from app import clock
from app.accounts.actor import Actor
from app.accounts.audience import gate_of
from app.accounts.models import Organization
from app.database import settings_of
from app.ledger.models import Event, Subject
from app.ledger.reading import Gate, after, head, position
from app.paging import Order, Page, PageQuery
from app.webhooks import lanes
from app.webhooks.answers import OURS, Outcome, readable
from app.webhooks.messages import links_to, render, webhook_id_of
from app.webhooks.models import Attempt, Lane, PlanProgress, State, Undelivered, Webhook
from app.webhooks.queries import found_webhook, selection_of
from app.webhooks.reports import (
    AttemptQuery,
    AttemptRead,
    HealthQuery,
    PolledMessage,
    PolledPage,
    PollQuery,
    UndeliveredRead,
    WebhookHealth,
)

_COUNTED = 1_000
NOT_TOLD = {"type": None, "demand": None, "links": None}


def list_attempts(session: Session, actor: Actor, webhook_id: uuid.UUID, query: AttemptQuery) -> Page[AttemptRead]:
    """Raises NotFound."""
    webhook, _ = found_webhook(session, actor, webhook_id)
    order = Order([col(Attempt.started_at), col(Attempt.id)], descending=True, within=str(webhook_id))
    statement = select(Attempt).where(Attempt.webhook_id == webhook_id)
    if query.event:
        statement = statement.where(Attempt.event_id == uuid.UUID(query.event))
    if query.outcome:
        statement = statement.where(col(Attempt.outcome).in_(query.outcome))
    if query.since:
        statement = statement.where(col(Attempt.started_at) >= query.since)
    if query.until:
        statement = statement.where(col(Attempt.started_at) < query.until)
    rows = session.execute(order.page(statement, query)).all()
    attempts = [row[0] for row in rows[: query.limit]]
    told = _told(session, webhook, attempts)
    items = [_attempt_read(attempt, told) for attempt in attempts]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def list_undelivered(session: Session, actor: Actor, webhook_id: uuid.UUID, query: PageQuery) -> Page[UndeliveredRead]:
    """In the order of the ledger. Raises NotFound."""
    webhook, _ = found_webhook(session, actor, webhook_id)
    order = Order([col(Undelivered.seq)], within=str(webhook_id))
    rows = session.execute(order.page(select(Undelivered).where(Undelivered.webhook_id == webhook_id), query)).all()
    given_up = [row[0] for row in rows[: query.limit]]
    told = _told(session, webhook, given_up)
    items = [_undelivered_read(each, told) for each in given_up]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def read_events(session: Session, actor: Actor, webhook_id: uuid.UUID, query: PollQuery, api_url: str) -> PolledPage:
    """What the webhook would be sent, to those who rather fetch it. Raises NotFound, Gone, Invalid."""
    webhook, _ = found_webhook(session, actor, webhook_id)
    here = head(session)
    gate = _gate(session, webhook)
    found = after(session, gate, position(query.after, here), query.limit, selection_of(webhook, gate.circle))
    messages = [render(view, api_url, here.epoch, webhook.payload) for view in found.items]
    items = [PolledMessage(id=message.id, **orjson.loads(message.body)) for message in messages]
    return PolledPage(items=items, next_cursor=found.next_cursor, head=found.head)


def read_health(session: Session, actor: Actor, webhook_id: uuid.UUID, query: HealthQuery) -> WebhookHealth:
    """Raises NotFound."""
    webhook, _ = found_webhook(session, actor, webhook_id)
    lane = session.get_one(Lane, webhook_id)
    attempts = _newest(session, webhook_id, clock.now() - datetime.timedelta(hours=query.hours))
    theirs = [outcome for outcome, _, error in attempts if error not in OURS]
    durations = sorted(duration for _, duration, error in attempts if error not in OURS)
    waiting = _waiting(session, webhook, lane)
    return WebhookHealth(
        state=webhook.state,
        state_reason=webhook.state_reason,
        state_since=webhook.state_since,
        attempts=len(attempts),
        success_rate=round(theirs.count(Outcome.DELIVERED) / len(theirs), 4) if theirs else None,
        p50_ms=_percentile(durations, 0.5),
        p95_ms=_percentile(durations, 0.95),
        last_success_at=lane.last_ok_at,
        failing_since=lane.first_fail_at,
        failures_in_a_row=lane.fail_streak,
        next_attempt_at=lane.ready_at if _waits_for_a_retry(webhook, lane) else None,
        lag_events=len(waiting),
        lag_seconds=max(0.0, (clock.now() - waiting[0]).total_seconds()) if waiting else 0.0,
        undelivered=_count_undelivered(session, webhook_id),
    )


def _told(session: Session, webhook: Webhook, entries: Sequence[Attempt | Undelivered]) -> dict[int, dict[str, Any]]:
    """By seq, what may be told of the events: those that the webhook may not see at this moment have no entry."""
    api_url, epoch = f"{settings_of(session).base_url}/api/v1", head(session).epoch
    events = select(Event.seq, Event.type, Event.demand).outerjoin(Subject, col(Subject.key) == col(Event.subject))
    seqs = {entry.seq for entry in entries}
    shown = events.where(col(Event.seq).in_(seqs), _gate(session, webhook).condition)
    return {
        seq: {"type": kind, "demand": demand, "links": links_to(seq, demand, api_url, epoch)}
        for seq, kind, demand in session.exec(shown)
    }


def _attempt_read(attempt: Attempt, told: Mapping[int, Any]) -> AttemptRead:
    kept = attempt.model_dump(exclude={"response_body"})
    about = told.get(attempt.seq, NOT_TOLD)
    body = readable(attempt.response_body)
    return AttemptRead(**kept, **about, event=webhook_id_of(attempt.event_id), response_body=body)


def _undelivered_read(entry: Undelivered, told: Mapping[int, Any]) -> UndeliveredRead:
    about = told.get(entry.seq, NOT_TOLD)
    return UndeliveredRead(**entry.model_dump(), **about, event=webhook_id_of(entry.event_id))


def _gate(session: Session, webhook: Webhook) -> Gate:
    return gate_of(session.get_one(Organization, webhook.organization_id).reads)


def _newest(session: Session, webhook_id: uuid.UUID, since: datetime.datetime) -> Sequence[Any]:
    columns = select(Attempt.outcome, Attempt.duration_ms, Attempt.error)
    of_webhook = columns.where(Attempt.webhook_id == webhook_id, col(Attempt.started_at) >= since)
    return session.exec(of_webhook.order_by(col(Attempt.started_at).desc()).limit(_COUNTED)).all()


def _waits_for_a_retry(webhook: Webhook, lane: Lane) -> bool:
    return webhook.state is State.ACTIVE and lane.fail_streak > 0 and lane.lease_owner is None


def _waiting(session: Session, webhook: Webhook, lane: Lane) -> Sequence[datetime.datetime]:
    """When the first of the events were recorded that the lane has still before it.

    What was planned and woke nobody is not for it, even if the webhook has been revised to want such things since.
    """
    planned = session.exec(select(PlanProgress.seq)).one()
    shown = select(Event.recorded_at).outerjoin(Subject, col(Subject.key) == col(Event.subject))
    gate = _gate(session, webhook)
    ahead = shown.where(gate.condition, col(Event.seq) > lanes.done_to(lane, planned))
    ahead = ahead.where(or_(col(Event.seq) <= lane.wake_seq, col(Event.seq) > planned))
    return session.exec(
        ahead.where(selection_of(webhook, gate.circle).condition()).order_by(col(Event.seq)).limit(_COUNTED)
    ).all()


def _count_undelivered(session: Session, webhook_id: uuid.UUID) -> int:
    some = select(Undelivered.seq).where(Undelivered.webhook_id == webhook_id).limit(_COUNTED).subquery()
    return session.exec(select(func.count()).select_from(some)).one()


def _percentile(ordered: Sequence[int], part: float) -> int | None:
    """By nearest rank."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else None
