"""Sending again what was sent before, or could not be: a job that goes through the lane, in its order.

The lane keeps its place: new events come first, and where a run has room left, the oldest running replay fills it.
The lease of the lane also guards the progress of its replays, so a replay that a worker leaves is resumed by the next.
"""

import datetime
import uuid
from bisect import bisect_left
from dataclasses import replace

from sqlmodel import Session, col, select

from app import clock
from app.accounts.actor import Actor
from app.accounts.audience import events_still_for
from app.accounts.models import Organization
from app.accounts.roles import Role
from app.ledger.models import Event
from app.ledger.reading import Gate, after, head
from app.ledger.selecting import TAKING_BACK
from app.narrowing import check_types
from app.paging import Order, Page, PageQuery
from app.problems import Conflict, NotFound, invalid
from app.webhooks import lanes
from app.webhooks.events import record
from app.webhooks.models import Lane, PlanProgress, Replay, ReplayState, State, Undelivered, Webhook
from app.webhooks.queries import locked_webhook, read_webhook, selection_of
from app.webhooks.schemas import ReplayNew, ReplayRead, RetryNew

MOST_RUNNING = 20
CLOCKS_APART = datetime.timedelta(days=1)  # of the machines that record events, at most


class TooManyReplays(Conflict):
    """The webhook has as many replays waiting as it may have"""

    type = "too-many-replays"
    remedy = "Wait until one of them has finished, or end one: `DELETE …/replay/{replay_id}`."


def create_replay(session: Session, actor: Actor, webhook_id: uuid.UUID, new: ReplayNew) -> ReplayRead:
    """Of what the lane has behind it, be it sent then or not; what is still before it comes anyway.

    Raises NotFound, TooManyReplays, and Invalid for a stretch that cannot be, and for types that will never come.
    """
    webhook, _ = locked_webhook(session, actor, webhook_id)
    check_types(session.get_one(Organization, webhook.organization_id).reads, new.types)
    since = new.from_seq or 1 if new.since is None else first_since(session, new.since)
    if since > head(session).seq:
        where = "body.from_seq" if new.since is None else "body.since"
        raise invalid(where, "the ledger has not come that far")
    if new.to_seq is not None and new.to_seq < since:
        raise invalid("body.to_seq", f"this lies before the beginning, which is at {since}")
    return _begin(session, actor, webhook_id, since, new.to_seq, new.types, new.only_undelivered)


def retry_undelivered(session: Session, actor: Actor, webhook_id: uuid.UUID, new: RetryNew) -> ReplayRead:
    """One, or all that there are. Raises NotFound, TooManyReplays."""
    actor.must_be(Role.PARTNER)
    locked_webhook(session, actor, webhook_id)
    if new.seq is None:
        return _begin(session, actor, webhook_id, 1, None, [], only_undelivered=True)
    if session.get(Undelivered, (webhook_id, new.seq)) is None:
        raise NotFound(f"Nothing with the seq {new.seq} is undelivered to this webhook.")
    return _begin(session, actor, webhook_id, new.seq, new.seq, [], only_undelivered=True)


def send_notices(session: Session, actor: Actor, webhook: Webhook, after_seq: int, to_seq: int) -> None:
    """Whatever is taken back in a stretch that is passed over, and is not back, is told all the same.

    Where a replay of such notices is still on its way there, it goes on to the end of the stretch.
    Raises TooManyReplays.
    """
    circle = session.get_one(Organization, webhook.organization_id).reads
    taking_back = replace(selection_of(webhook, circle), types=frozenset(f"type:{name}" for name in TAKING_BACK))
    found = after(session, Gate(circle, events_still_for(circle)), after_seq, 1, taking_back, to_seq).items
    if not found:
        return
    on_its_way = select(Replay).where(
        Replay.webhook_id == webhook.id, Replay.state == ReplayState.RUNNING, Replay.at_seq < found[0].seq
    )
    waiting = [each for each in session.exec(on_its_way) if each.types == TAKING_BACK and not each.only_undelivered]
    if waiting:
        waiting[0].to_seq = max(waiting[0].to_seq, to_seq)
    else:
        _begin(session, actor, webhook.id, found[0].seq, to_seq, TAKING_BACK, only_undelivered=False)


def read_replay(session: Session, actor: Actor, webhook_id: uuid.UUID, replay_id: uuid.UUID) -> ReplayRead:
    """Raises NotFound."""
    webhook = read_webhook(session, actor, webhook_id)
    return _read(_found(session, webhook_id, replay_id), webhook.state)


def cancel_replay(session: Session, actor: Actor, webhook_id: uuid.UUID, replay_id: uuid.UUID) -> ReplayRead:
    """It ends where it is; one that has ended stays as it was. Raises NotFound."""
    actor.must_be(Role.PARTNER)
    webhook, organization = locked_webhook(session, actor, webhook_id)
    replay = _found(session, webhook_id, replay_id)
    if replay.state is ReplayState.RUNNING:
        replay.state, replay.finished_at, replay.retry_at = ReplayState.CANCELLED, clock.now(), None
        record(session, actor, "webhook.replay_cancelled", webhook, organization)
    return _read(replay, webhook.state)


def list_replays(session: Session, actor: Actor, webhook_id: uuid.UUID, query: PageQuery) -> Page[ReplayRead]:
    """The newest first. Raises NotFound."""
    webhook = read_webhook(session, actor, webhook_id)
    order = Order([col(Replay.id)], descending=True, within=str(webhook_id))
    rows = session.execute(order.page(select(Replay).where(Replay.webhook_id == webhook_id), query)).all()
    items = [_read(row[0], webhook.state) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def first_since(session: Session, moment: datetime.datetime) -> int:
    """The seq of the first event from that moment on; one after the last where there is none."""

    def at_the_latest(seq: int) -> datetime.datetime:
        return session.exec(select(Event.recorded_at).where(Event.seq == seq)).one() + CLOCKS_APART

    seqs = range(1, head(session).seq + 1)  # without gaps, and in the order of time as far as the clocks agree
    nearby = bisect_left(seqs, moment, key=at_the_latest)
    found = select(Event.seq).where(Event.seq > nearby, Event.recorded_at >= moment).order_by(col(Event.seq)).limit(1)
    return session.exec(found).one_or_none() or seqs.stop


def _found(session: Session, webhook_id: uuid.UUID, replay_id: uuid.UUID) -> Replay:
    found = session.get(Replay, replay_id)
    if found is None or found.webhook_id != webhook_id:
        raise NotFound(f"This webhook has no replay {replay_id}.")
    return found


def _begin(
    session: Session,
    actor: Actor,
    webhook_id: uuid.UUID,
    from_seq: int,
    to_seq: int | None,
    types: list[str],
    only_undelivered: bool,
) -> ReplayRead:
    actor.must_be(Role.PARTNER)
    webhook, organization = locked_webhook(session, actor, webhook_id)
    running = select(Replay.id).where(Replay.webhook_id == webhook_id, Replay.state == ReplayState.RUNNING)
    if len(session.exec(running.limit(MOST_RUNNING)).all()) == MOST_RUNNING:
        raise TooManyReplays(
            f"{MOST_RUNNING} replays of this webhook are running, as many as may; wait for one to finish, "
            "or end one with DELETE …/replay/{replay_id}.",
            limit=MOST_RUNNING,
        )
    planned = session.exec(select(PlanProgress.seq)).one()
    behind = lanes.done_to(session.get_one(Lane, webhook_id), planned)
    replay = Replay(
        webhook_id=webhook_id,
        from_seq=from_seq,
        to_seq=min(behind, to_seq or behind),
        at_seq=from_seq - 1,
        types=types,
        only_undelivered=only_undelivered,
    )
    _finish_at_the_end(replay)
    session.add(replay)
    if webhook.state is State.ACTIVE:
        lanes.wake_if_idle(session, webhook_id)
    record(session, actor, "webhook.replay_begun", webhook, organization)
    return _read(replay, webhook.state)


def _finish_at_the_end(replay: Replay) -> None:
    if replay.at_seq >= replay.to_seq:
        replay.state, replay.finished_at = ReplayState.FINISHED, clock.now()


def _read(replay: Replay, webhook: State) -> ReplayRead:
    waits = replay.state is ReplayState.RUNNING and webhook is not State.ACTIVE
    return ReplayRead(**replay.model_dump(), waits=waits)
