"""Whom new events concern: their lanes are woken, many at a time, and the others need never look.

Everything here is a step of a transaction that the caller opens; `lanes` tells what becomes of those who are awake.
"""

import uuid

from sqlalchemy import JSON, BigInteger, and_, case, cast, func, literal, select, update
from sqlmodel import Session, col

from app import clock
from app.ledger.models import Event, Head
from app.ledger.selecting import planning_keys
from app.webhooks.models import Lane, PlanProgress, State, Subscription, Webhook

_EVENTS_AT_ONCE = 500
_LANES_AT_ONCE = 5_000
_FEW = 100


def plan(session: Session) -> bool:
    """Wake the lanes that the next events concern, or a chunk of them; tells whether more is left.

    Progress is part of the transaction, so a chunk is done with its note or not at all; doing it twice wakes nobody.
    Another planner at work is not waited for.
    """
    locked = select(PlanProgress).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    progress = session.scalars(locked).one_or_none()
    if progress is None:
        return False
    head = session.scalars(select(col(Head.seq))).one()
    if progress.until_seq is None:
        if head == progress.seq:
            return False
        progress.until_seq = min(head, progress.seq + _EVENTS_AT_ONCE)
    newest = _newest_by_key(session, progress.seq, progress.until_seq)
    last = _wake(session, newest, progress.seq, progress.after_webhook_id, _LANES_AT_ONCE)
    if last is None:
        progress.seq, progress.until_seq = progress.until_seq, None
    progress.after_webhook_id = last
    return progress.seq < head


def plan_ahead(session: Session) -> None:
    """While a crowd is being woken, wake those whom few others share their interest with.

    They come into the plan in their turn as well, which then finds them awake.
    """
    progress = session.scalars(select(PlanProgress)).one()
    if progress.until_seq is None:
        return
    newest = _newest_by_key(session, progress.seq, progress.until_seq + _EVENTS_AT_ONCE)
    by_key = select(col(Subscription.match_key)).where(col(Subscription.match_key).in_(newest))
    rare = by_key.group_by(col(Subscription.match_key)).having(func.count() <= _FEW)
    wanted = {key: newest[key] for key in session.scalars(rare)}
    _wake(session, wanted, progress.seq, None, _LANES_AT_ONCE)


def _newest_by_key(session: Session, after_seq: int, until_seq: int) -> dict[str, int]:
    """For each key of the events, the last of them that has it."""
    events = (
        select(col(Event.seq), col(Event.keys), col(Event.notice))
        .where(col(Event.seq) > after_seq, col(Event.seq) <= until_seq)
        .order_by(col(Event.seq))
    )
    return {key: seq for seq, keys, notice in session.execute(events) for key in planning_keys(keys, notice)}


def _wake(
    session: Session, newest: dict[str, int], planned_seq: int, after_webhook_id: uuid.UUID | None, most: int
) -> uuid.UUID | None:
    """Wake a chunk of the lanes that subscribe to the keys; gives the last of it, None at the end."""
    each = func.json_each_text if session.get_bind().dialect.name == "postgresql" else func.json_each
    present = each(literal(newest, JSON())).table_valued("key", "value")
    subscribed = select(col(Subscription.webhook_id), func.max(cast(present.c.value, BigInteger)).label("seq"))
    subscribed = subscribed.join(present, col(Subscription.match_key) == present.c.key)
    if after_webhook_id is not None:
        subscribed = subscribed.where(col(Subscription.webhook_id) > after_webhook_id)
    chunk = subscribed.group_by(col(Subscription.webhook_id)).order_by(col(Subscription.webhook_id))
    ids = chunk.with_only_columns(col(Subscription.webhook_id))
    last = session.scalars(ids.offset(most - 1).limit(1)).one_or_none()
    matched = chunk.limit(most).cte("matched").prefix_with("MATERIALIZED")
    sleeping = (
        select(col(Lane.webhook_id), matched.c.seq, (col(Webhook.state) == State.ACTIVE).label("active"))
        .join(matched, matched.c.webhook_id == col(Lane.webhook_id))
        .join(Webhook, col(Webhook.id) == col(Lane.webhook_id))
        .where(col(Lane.wake_seq) < matched.c.seq)
        .order_by(col(Lane.webhook_id))
        .with_for_update(of=Lane)
        .cte("sleeping")
        .prefix_with("MATERIALIZED")
    )
    drained = and_(col(Lane.cursor_seq) >= col(Lane.wake_seq), col(Lane.cursor_seq) < planned_seq)
    session.execute(
        update(Lane)
        .where(col(Lane.webhook_id) == sleeping.c.webhook_id)
        .values(
            # nothing up to here concerned a lane that had done all that did: it need not read that again
            cursor_seq=case((drained, planned_seq), else_=col(Lane.cursor_seq)),
            wake_seq=sleeping.c.seq,
            ready_at=case((and_(col(Lane.ready_at).is_(None), sleeping.c.active), clock.now()), else_=Lane.ready_at),
        )
        .execution_options(synchronize_session=False)
    )
    return last
