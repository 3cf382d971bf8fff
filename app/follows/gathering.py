"""How followers come to their mails: whoever may have something new is woken, looked after, and left in peace.

`planning` wakes those who want changes at once when one concerns them, and lets it wait a little for others. Digests
have their hour. `look` reads, for each follower whose time has come, what is new after their cursor, and `settle` puts
mails about it into the outbox; the cursor moves in the same transaction.

A mail is but a stretch of the ledger: what it says is read when it is sent.
"""

import contextlib
import datetime
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from app import clock
from app.database import Database, settings_of
from app.follows.actions import about
from app.follows.models import Follow, FollowPlan, Pace
from app.follows.paces import next_digest_at
from app.follows.planning import plan, planned_seq
from app.follows.queries import address_of, people_at, wanted
from app.ledger.models import Event, Head
from app.ledger.reading import head
from app.mail import outbox
from app.trouble import is_out_of_reach
from app.vault import LostSecret, Vault

CHANGES = "follow.changes"
MOST_SINGLE = 20  # changes in an hour that are mailed one by one; what is more becomes a digest
BURST = datetime.timedelta(hours=1)
LOOK_AGAIN_AFTER = datetime.timedelta(hours=1)
LONGEST_WAIT = {Pace.AT_ONCE: BURST, Pace.DAILY: datetime.timedelta(days=1), Pace.WEEKLY: datetime.timedelta(days=7)}
CLOCKS_APART = datetime.timedelta(hours=1)  # of the workers; and a day may have an hour more
_FOLLOWS_AT_ONCE = 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What is to be written about a follow that was looked after."""

    cursor_seq: int  # where it stood: whoever finds it elsewhere is late
    values: dict[str, Any]
    stretches: Sequence[tuple[int, int]] = ()  # of the ledger, after one number and until another: a mail about each


@dataclass(frozen=True)
class Looked:
    until: int  # how far the ledger was read
    outcomes: dict[uuid.UUID, Outcome]  # by follow


def gather(database: Database, vault: Vault, stopped: Callable[[], bool] = lambda: False) -> None:
    """All that there is to do now, or what can be done until it is time to stop.

    Any number of workers may do it beside each other.
    """
    while not stopped():
        with database.read() as session:
            unplanned, due = _outlook(session)
            looked = look(session, vault) if due else None
        settled = planned = False
        if looked:
            with database.write() as session:
                settled = settle(session, looked)
        if unplanned:
            with database.write() as session:
                planned = plan(session)
        if not (settled or planned):
            return  # there is nothing to do, or another worker is at it


def look(session: Session, vault: Vault) -> Looked:
    """What is new for a few of those whose time has come. One who cannot be looked after is put off, and logged."""
    follows = session.scalars(_due().order_by(col(Follow.ready_at)).limit(_FOLLOWS_AT_ONCE)).all()
    until = head(session).seq
    people = people_at(session, _readable_addresses(vault, follows))
    outcomes = {}
    for follow in follows:
        try:
            with session.begin_nested():
                own = people.get(address_of(vault, follow).lower())
                outcomes[follow.id] = _look_after(session, follow, own, until)
        except Exception as error:
            if is_out_of_reach(error):
                raise
            log.exception("Follow %s cannot be looked after; it is tried again later.", follow.id)
            outcomes[follow.id] = Outcome(follow.cursor_seq, {"ready_at": clock.now() + LOOK_AGAIN_AFTER})
    return Looked(until, outcomes)


def settle(session: Session, looked: Looked) -> bool:
    """Write what came of it, but for those whom another worker was faster with; tells whether there were others."""
    planned = planned_seq(session)
    found = _due().where(col(Follow.id).in_(looked.outcomes)).with_for_update(skip_locked=True)
    follows = session.scalars(found.execution_options(populate_existing=True)).all()
    for follow in follows:
        outcome = looked.outcomes[follow.id]
        if follow.cursor_seq != outcome.cursor_seq:
            continue
        for after, until in outcome.stretches:
            outbox.put(session, CHANGES, about(follow.id), after=after, until=until)
        follow.sqlmodel_update(outcome.values)
        if follow.ready_at is None and planned > looked.until:
            follow.ready_at = clock.now()  # it may have been woken for what was not read yet
    return bool(follows)


def set_right(session: Session) -> None:
    """Look in time after those who wait longer than any may: whoever wrote that had a clock ahead of ours."""
    now, ready_at = clock.now(), col(Follow.ready_at)
    margin = CLOCKS_APART + datetime.timedelta(seconds=settings_of(session).follow_gather_seconds)
    too_long = [
        (col(Follow.pace) == pace) & (ready_at > now + longest + margin) for pace, longest in LONGEST_WAIT.items()
    ]
    found = select(Follow).where(or_(*too_long)).with_for_update(skip_locked=True)
    for follow in session.scalars(found.execution_options(populate_existing=True)):
        at_once = follow.pace is Pace.AT_ONCE
        follow.ready_at = now if at_once else next_digest_at(follow.pace, follow.timezone, now)


def _due() -> Any:
    return select(Follow).where(col(Follow.ready_at).is_not(None), col(Follow.ready_at) <= clock.now())


def _readable_addresses(vault: Vault, follows: Sequence[Follow]) -> Iterator[str]:
    for follow in follows:
        with contextlib.suppress(LostSecret):
            yield address_of(vault, follow)


def _look_after(session: Session, follow: Follow, own: uuid.UUID | None, until: int) -> Outcome:
    tell = _tell_at_once if follow.pace is Pace.AT_ONCE else _tell_in_a_digest
    return tell(session, follow, own, until)


def _tell_at_once(session: Session, follow: Follow, own: uuid.UUID | None, until: int) -> Outcome:
    now = clock.now()
    burst_from, burst_changes, rest_until = follow.burst_from, follow.burst_changes, follow.rest_until
    if burst_from is None or abs(now - burst_from) >= BURST:  # ahead, where a clock was
        burst_from = now
        burst_changes = MOST_SINGLE - 1 if rest_until else 0  # what piled up meanwhile comes in one mail
        rest_until = None
    room = MOST_SINGLE - burst_changes
    new = wanted(follow, own, follow.cursor_seq, until).order_by(col(Event.seq)).limit(room + 1)
    seqs = session.scalars(new).all()
    if len(seqs) <= room:
        stretches = [(seq - 1, seq) for seq in seqs]
        burst_changes += len(seqs)
    else:
        stretches = [(follow.cursor_seq, until)]
        burst_changes = MOST_SINGLE
        rest_until = burst_from + BURST
    burst = {"burst_from": burst_from, "burst_changes": burst_changes, "rest_until": rest_until}
    return Outcome(follow.cursor_seq, {"cursor_seq": until, "ready_at": None, **burst}, stretches)


def _tell_in_a_digest(session: Session, follow: Follow, own: uuid.UUID | None, until: int) -> Outcome:
    new = session.scalars(wanted(follow, own, follow.cursor_seq, until).limit(1)).first()
    values = {"cursor_seq": until, "ready_at": next_digest_at(follow.pace, follow.timezone, clock.now())}
    return Outcome(follow.cursor_seq, values, [(follow.cursor_seq, until)] if new else [])


def _outlook(session: Session) -> tuple[bool, bool]:
    """Whether there are events to plan, and follows whose time has come: one query."""
    newest = select(col(Head.seq)).scalar_subquery()
    planned = select(col(FollowPlan.seq)).scalar_subquery()
    ready = select(func.min(col(Follow.ready_at))).where(col(Follow.ready_at).is_not(None)).scalar_subquery()
    head_seq, planned_seq, ready_at = session.execute(select(newest, planned, ready)).one()
    return head_seq > planned_seq, ready_at is not None and ready_at <= clock.now()
