"""Whom new events concern: their lanes are woken, many at a time, and the others need never look.

Everything here is a step of a transaction that the caller opens; `lanes` tells what becomes of those who are awake.
"""

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Uuid, and_, bindparam, case, cast, func, select, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from app import clock
from app.ledger.models import Event, Head
from app.ledger.selecting import planning_keys
from app.webhooks.lanes import is_idle
from app.webhooks.models import Lane, PlanProgress, State, Subscription, Webhook

_EVENTS_AT_ONCE = 500
_LANES_AT_ONCE = 5_000
_FEW = 100
_BEFORE_ALL = uuid.UUID(int=0)


def plan(session: Session) -> bool:
    """Wake the lanes that the next events concern, or a chunk of them; tells whether more is left.

    Progress is part of the transaction, so a chunk is done with its note or not at all; doing it twice wakes nobody.
    Another planner at work is not waited for.
    """
    progress = session.connection().execute(_progress()).one_or_none()
    if progress is None or (progress.until_seq is None and progress.head <= progress.seq):
        return False
    until = progress.until_seq or min(progress.head, progress.seq + _EVENTS_AT_ONCE)
    newest = _newest_by_key(session, progress.seq, until)
    last = _wake(session, newest, progress.seq, progress.after_webhook_id, _LANES_AT_ONCE)
    planned, under_way = (until, None) if last is None else (progress.seq, until)
    session.connection().execute(_NOTE, {"seq": planned, "until_seq": under_way, "after_webhook_id": last})
    more: bool = planned < progress.head
    return more


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


def hold(session: Session) -> None:
    """Until the transaction ends: what is committed meanwhile is planned by what webhooks want afterwards."""
    session.connection().execute(_HOLD)


def _newest_by_key(session: Session, after_seq: int, until_seq: int) -> dict[str, int]:
    """For each key of the events, the last of them that has it."""
    events = session.connection().execute(_events(), {"after": after_seq, "until": until_seq})
    return {key: seq for seq, keys, notice in events for key in planning_keys(keys, notice)}


def _wake(
    session: Session, newest: dict[str, int], planned_seq: int, after_webhook_id: uuid.UUID | None, most: int
) -> uuid.UUID | None:
    """Wake a chunk of the lanes that subscribe to the keys; gives the last of it, None at the end."""
    wake = _waking(session.get_bind().dialect.name == "postgresql")
    after = after_webhook_id or _BEFORE_ALL
    given = {"newest": newest, "after": after, "most": most, "planned": planned_seq, "now": clock.now()}
    woken: Sequence[tuple[uuid.UUID, bool]] = [(*row,) for row in session.connection().execute(wake, given)]
    if resting := [webhook_id for webhook_id, rests in woken if rests]:
        session.connection().execute(_waking_resumed(), {"ids": resting, "now": clock.now()})
    return max(webhook_id for webhook_id, _ in woken) if len(woken) == most else None


# Making a statement costs more than running it, and a change should be on its way soon: each is made once.

_NOTE = update(PlanProgress)
_HOLD = select(col(PlanProgress.seq)).with_for_update(read=True)


@cache
def _progress() -> Any:
    head = select(col(Head.seq)).scalar_subquery().label("head")
    columns = (col(PlanProgress.seq), col(PlanProgress.until_seq), col(PlanProgress.after_webhook_id))
    return select(*columns, head).with_for_update(of=PlanProgress, skip_locked=True)


@cache
def _events() -> Any:
    stretch = (col(Event.seq) > bindparam("after"), col(Event.seq) <= bindparam("until"))
    return select(col(Event.seq), col(Event.keys), col(Event.notice)).where(*stretch).order_by(col(Event.seq))


@cache
def _waking(postgresql: bool) -> Any:
    """Wakes a chunk of those who subscribe to the keys of `newest` and sleep; gives their ids, and which still rest."""
    each = func.json_each_text if postgresql else func.json_each
    present = each(bindparam("newest", type_=JSON())).table_valued("key", "value")
    subscribed = select(col(Subscription.webhook_id), func.max(cast(present.c.value, BigInteger)).label("seq"))
    subscribed = subscribed.join(present, col(Subscription.match_key) == present.c.key)
    subscribed = subscribed.where(col(Subscription.webhook_id) > bindparam("after", type_=Uuid()))
    matched = subscribed.group_by(col(Subscription.webhook_id)).cte("matched").prefix_with("MATERIALIZED")
    sleeping = (
        select(col(Lane.webhook_id), matched.c.seq, (col(Webhook.state) == State.ACTIVE).label("active"))
        .join(matched, matched.c.webhook_id == col(Lane.webhook_id))
        .join(Webhook, col(Webhook.id) == col(Lane.webhook_id))
        .where(col(Lane.wake_seq) < matched.c.seq)
        .order_by(col(Lane.webhook_id))
        .limit(bindparam("most"))
        .with_for_update(of=Lane)
        .cte("sleeping")
        .prefix_with("MATERIALIZED")
    )
    planned, now = bindparam("planned", type_=BigInteger()), bindparam("now", type_=UTCDateTime())
    drained = and_(col(Lane.cursor_seq) >= col(Lane.wake_seq), col(Lane.cursor_seq) < planned)
    return (
        update(Lane)
        .where(col(Lane.webhook_id) == sleeping.c.webhook_id)
        .values(
            # nothing up to here concerned a lane that had done all that did: it need not read that again
            cursor_seq=case((drained, planned), else_=col(Lane.cursor_seq)),
            wake_seq=sleeping.c.seq,
            ready_at=case((and_(is_idle(now), sleeping.c.active), now), else_=Lane.ready_at),
        )
        .returning(col(Lane.webhook_id), is_idle(now))
        .execution_options(synchronize_session=False)
    )


@cache
def _waking_resumed() -> Any:
    """Of those whose webhooks rested.

    PostgreSQL reads the webhooks before it waits for the lanes. Whoever resumes one meanwhile cannot see this wake yet,
    and may have found nothing to do; now that the lanes are locked, what their webhooks are is seen anew.
    """
    active = select(col(Webhook.id)).where(col(Webhook.id) == Lane.webhook_id, col(Webhook.state) == State.ACTIVE)
    now = bindparam("now", type_=UTCDateTime())
    resting = (col(Lane.webhook_id).in_(bindparam("ids", expanding=True)), is_idle(now))
    return (
        update(Lane).where(*resting, active.exists()).values(ready_at=now).execution_options(synchronize_session=False)
    )
