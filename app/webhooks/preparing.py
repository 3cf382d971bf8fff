"""From claimed lanes to messages: what each webhook wants, has not had, and may see at this moment."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import compress
from typing import Any

from sqlalchemy import JSON, BigInteger, Row, bindparam, cast, func, select
from sqlmodel import Session, col

from app import clock
from app.accounts.audience import events_still_for, gate_of
from app.fields import Audience
from app.ledger.models import Event, Head, Subject
from app.ledger.reading import Gate, through, views
from app.ledger.selecting import EVERY_EVENT, Selection
from app.webhooks.ailing import hopeless
from app.webhooks.lanes import Claimed
from app.webhooks.messages import Message, render
from app.webhooks.models import GIVE_UP_AFTER, Payload, Reason, Undelivered
from app.webhooks.readers import Reader, Wants, readers_of
from app.webhooks.resending import Stretch, stretches

MESSAGES_AT_ONCE = 5  # of one lane, before the others have their turn
_EVENTS_AT_ONCE = 200  # of one lane: those that do not concern it are passed over


@dataclass(frozen=True)
class Run:
    """What there is to do on one lane: the messages, in their order."""

    lane: Claimed
    organization_id: uuid.UUID
    url: str
    sealed_secrets: list[bytes]
    sealed_headers: dict[str, str]
    messages: list[Message]
    expired: list[Undelivered]
    start_seq: int  # where the cursor stands before the first message
    end_seq: int  # and after the last
    again: "Again | None" = None


@dataclass(frozen=True)
class Again:
    """What a replay adds, after the other messages."""

    replay_id: uuid.UUID
    messages: list[Message]
    unseen: list[int]  # what it passes over since the webhook may not see it any more, or it is not so any more
    start_seq: int  # where the replay stands before the first message
    end_seq: int  # and after the last


@dataclass(frozen=True)
class _Candidate:
    """As much of an event as choosing needs."""

    seq: int
    event_id: uuid.UUID
    recorded_at: datetime.datetime
    notice: bool
    keys: frozenset[str]
    shown_to: frozenset[Audience]
    still_for: frozenset[Audience]  # and not untrue by now, as that something was taken from view which is back there


@dataclass(frozen=True)
class _Choice:
    lane: Claimed
    reader: Reader
    events: list[_Candidate]
    expired: list[_Candidate]
    end_seq: int
    stretch: Stretch | None = None
    again: list[_Candidate] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)
    again_end_seq: int = 0


def prepare(session: Session, claimed: Sequence[Claimed], api_url: str) -> list[Run]:
    """Lanes of webhooks that are not active, or no longer there, have no run."""
    readers = readers_of(session, [lane.lease.webhook_id for lane in claimed])
    lanes = [lane for lane in claimed if lane.lease.webhook_id in readers]
    gates = {circle: gate_of(circle) for circle in {reader.circle for reader in readers.values()}}
    to_repeat = stretches(session, [key for key, reader in readers.items() if reader.replays])
    spans = [_span(lane) for lane in lanes] + [span for stretch in to_repeat.values() for span in _spans(stretch)]
    candidates = _candidates(session, gates, spans)
    failed_too_long = hopeless(session, lanes)
    choices = [
        _choose(lane, readers[lane.lease.webhook_id], candidates, failed_too_long.get(lane.lease.webhook_id))
        for lane in lanes
    ]
    choices = [_fill_up(choice, to_repeat.get(choice.lane.lease.webhook_id), candidates) for choice in choices]
    messages = _messages(session, gates, choices, api_url)
    return [_run(choice, messages[choice.reader.wants]) for choice in choices]


def _span(lane: Claimed) -> tuple[int, int]:
    return lane.cursor_seq + 1, min(lane.wake_seq, lane.cursor_seq + _EVENTS_AT_ONCE)


def _spans(stretch: Stretch) -> list[tuple[int, int]]:
    return [(seq, seq) for seq in stretch.seqs]


def _candidates(
    session: Session, gates: dict[Audience, Gate], spans: Sequence[tuple[int, int]]
) -> dict[int, _Candidate]:
    """The events of the spans, in their order, each read once for all lanes."""
    if not spans:
        return {}
    statement = _in_spans(tuple(gates), session.get_bind().dialect.name == "postgresql")
    rows = session.connection().execute(statement, {"spans": dict(_merged(spans))})
    return {
        seq: _Candidate(
            seq,
            event_id,
            recorded_at,
            notice,
            frozenset(keys),
            frozenset(compress(gates, shown)),
            frozenset(compress(gates, shown[len(gates) :])),
        )
        for seq, event_id, recorded_at, notice, keys, *shown in rows
    }


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _choose(
    lane: Claimed, reader: Reader, candidates: dict[int, _Candidate], failed_enough_from: datetime.datetime | None
) -> _Choice:
    """The next few events for the lane; one, where the endpoint has to prove first that it is well again."""
    limit = _room(lane)
    long_ago = clock.now() - GIVE_UP_AFTER
    first, last = _span(lane)
    events: list[_Candidate] = []
    expired: list[_Candidate] = []
    for seq in range(first, last + 1):
        event = candidates[seq]
        if reader.circle not in event.shown_to or not reader.selection.matches(event.keys, event.notice):
            continue
        if failed_enough_from and event.recorded_at < min(long_ago, failed_enough_from):
            expired.append(event)
            continue
        events.append(event)
        if len(events) == limit:
            return _Choice(lane, reader, events, expired, seq)
    return _Choice(lane, reader, events, expired, last)


def _fill_up(choice: _Choice, stretch: Stretch | None, candidates: dict[int, _Candidate]) -> _Choice:
    """With events that a replay sends again, as far as there is room; they are not too old.

    What was given up was wanted once, and is owed whatever the webhook wants by now.
    """
    room = _room(choice.lane) - len(choice.events)
    if stretch is None or room <= 0:
        return choice
    circle = choice.reader.circle
    own = EVERY_EVENT if stretch.only_undelivered else choice.reader.selection
    wanted = own, Selection.of(stretch.types, {}, circle)
    again: list[_Candidate] = []
    unseen: list[int] = []
    end_seq = stretch.end_seq
    for seq in stretch.seqs:
        event = candidates[seq]
        if circle not in event.still_for:
            unseen.append(seq)
        elif all(each.matches(event.keys, event.notice) for each in wanted):
            again.append(event)
            if len(again) == room:
                end_seq = seq
                break
    return replace(choice, stretch=stretch, again=again, unseen=unseen, again_end_seq=end_seq)


def _room(lane: Claimed) -> int:
    return 1 if lane.fail_streak else MESSAGES_AT_ONCE


def _messages(
    session: Session, gates: dict[Audience, Gate], choices: Sequence[_Choice], api_url: str
) -> dict[Wants, dict[int, Message]]:
    """Each event is rendered once for all who see the same of it in the same form."""
    wanted: dict[Wants, set[int]] = defaultdict(set)
    for choice in choices:
        wanted[choice.reader.wants] |= {event.seq for event in (*choice.events, *choice.again)}
    messages: dict[Wants, dict[int, Message]] = defaultdict(dict)
    for circle, gate in gates.items():
        found = _in_full(session, circle, set().union(*(wanted[circle, form] for form in Payload)))
        for view, event in zip(views(session, gate, found), found, strict=True):
            for form in Payload:
                if view.seq in wanted[circle, form]:
                    messages[circle, form][view.seq] = render(view, api_url, event.epoch, form)
    return messages


def _in_full(session: Session, circle: Audience, seqs: set[int]) -> Sequence[Row[Any]]:
    return session.connection().execute(_with_data(circle), {"seqs": list(seqs)}).all() if seqs else []


def _run(choice: _Choice, messages: dict[int, Message]) -> Run:
    reader = choice.reader
    set_aside_at = clock.now()
    return Run(
        lane=choice.lane,
        organization_id=reader.organization_id,
        url=reader.url,
        sealed_secrets=reader.sealed_secrets,
        sealed_headers=reader.sealed_headers,
        messages=[messages[event.seq] for event in choice.events],
        expired=[
            Undelivered(
                webhook_id=reader.webhook_id,
                seq=event.seq,
                event_id=event.event_id,
                reason=Reason.EXPIRED,
                set_aside_at=set_aside_at,
            )
            for event in choice.expired
        ],
        start_seq=choice.events[0].seq - 1 if choice.events else choice.end_seq,
        end_seq=choice.end_seq,
        again=_again(choice, messages),
    )


def _again(choice: _Choice, messages: dict[int, Message]) -> Again | None:
    if choice.stretch is None:
        return None
    again = [messages[event.seq] for event in choice.again]
    return Again(choice.stretch.replay_id, again, choice.unseen, choice.stretch.at_seq, choice.again_end_seq)


# Making these statements costs more than running them: each is made once.


@cache
def _in_spans(circles: tuple[Audience, ...], postgresql: bool) -> Any:
    """What `_Candidate` takes, its last parts as columns for each circle; the spans are one value, however many."""
    each = func.json_each_text if postgresql else func.json_each
    span = each(bindparam("spans", type_=JSON())).table_valued("key", "value")
    columns = (col(Event.seq), col(Event.id), col(Event.recorded_at), col(Event.notice), col(Event.keys))
    shown = [gate_of(circle).condition.label(f"shown_to_{circle}") for circle in circles]
    still = [events_still_for(circle).label(f"still_for_{circle}") for circle in circles]
    return (
        select(*columns, *shown, *still)
        .select_from(span)
        .join(Event, col(Event.seq).between(cast(span.c.key, BigInteger), cast(span.c.value, BigInteger)))
        .outerjoin(Subject, col(Subject.key) == col(Event.subject))
        .order_by(col(Event.seq))
    )


@cache
def _with_data(circle: Audience) -> Any:
    """Each with the ledger's epoch."""
    epoch = select(col(Head.epoch)).scalar_subquery().label("epoch")
    return through(gate_of(circle)).add_columns(epoch).where(col(Event.seq).in_(bindparam("seqs", expanding=True)))
