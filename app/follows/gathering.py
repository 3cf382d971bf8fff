"""How followers come to their mails: whoever may have something new is woken, looked after, and left in peace.

`plan` wakes those who want changes at once when one concerns them, and lets it wait a little for others. Digests have
their hour. `look_after` reads, for each follower whose time has come, what is new after their cursor, and puts mails
about it into the outbox; the cursor moves in the same transaction.

A mail is but a stretch of the ledger: what it says is read when it is sent.
"""

import datetime
import logging

from sqlalchemy import case, func, or_, select, update
from sqlmodel import Session, col

from app import clock
from app.database import Database, settings_of
from app.follows.actions import about
from app.follows.models import Follow, FollowKey, FollowPlan, Pace
from app.follows.paces import next_digest_at
from app.follows.queries import wanted
from app.ledger.models import Event, Head
from app.ledger.reading import head
from app.ledger.selecting import planning_keys
from app.mail import outbox
from app.vault import LostSecret, Vault

CHANGES = "follow.changes"
MOST_SINGLE = 20  # changes in an hour that are mailed one by one; what is more becomes a digest
BURST = datetime.timedelta(hours=1)
LOOK_AGAIN_AFTER = datetime.timedelta(hours=1)
LONGEST_WAIT = {Pace.AT_ONCE: BURST, Pace.DAILY: datetime.timedelta(days=1), Pace.WEEKLY: datetime.timedelta(days=7)}
CLOCKS_APART = datetime.timedelta(hours=1)  # of the workers; and a day may have an hour more
_EVENTS_AT_ONCE = 200
_FOLLOWS_AT_ONCE = 20  # in one transaction, so that nobody waits long for it

log = logging.getLogger(__name__)


def gather(database: Database, vault: Vault) -> None:
    """All that there is to do now. Any number of workers may do it beside each other."""
    while True:
        with database.read() as session:
            unplanned, due = _outlook(session)
        if not (unplanned or due):
            return
        with database.write() as session:
            planned = unplanned and plan(session)
            looked_after = look_after(session, vault)
        if not (planned or looked_after):
            return  # another worker is at it


def plan(session: Session) -> bool:
    """Wake those whom the next events concern; tells whether there were any. Another planner is not waited for."""
    locked = select(FollowPlan).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    progress = session.scalars(locked).one_or_none()
    if progress is None or progress.seq >= head(session).seq:
        return False
    until = min(head(session).seq, progress.seq + _EVENTS_AT_ONCE)
    events = select(col(Event.keys), col(Event.notice)).where(col(Event.seq) > progress.seq, col(Event.seq) <= until)
    keys = {key for keys, notice in session.execute(events) for key in planning_keys(keys, notice)}
    concerned = select(col(FollowKey.follow_id)).where(col(FollowKey.match_key).in_(sorted(keys)))
    soon = clock.now() + datetime.timedelta(seconds=settings_of(session).follow_gather_seconds)
    rested = case((col(Follow.rest_until) > soon, col(Follow.rest_until)), else_=soon)
    asleep = col(Follow.ready_at).is_(None)
    # those who are awake are written to as well: the row must be waited for, in case that somebody puts it to sleep
    wake = update(Follow).where(col(Follow.id).in_(concerned), col(Follow.cursor_seq) < until)
    wake = wake.values(
        # nothing up to here concerned whoever slept until now: it need not be read again
        cursor_seq=case((asleep & (col(Follow.cursor_seq) < progress.seq), progress.seq), else_=Follow.cursor_seq),
        ready_at=case((asleep, rested), else_=Follow.ready_at),
    )
    session.execute(wake.execution_options(synchronize_session=False))
    progress.seq = until
    return True


def look_after(session: Session, vault: Vault) -> int:
    """A few of those whose time has come, one worker each; returns how many."""
    due = (
        select(Follow)
        .where(col(Follow.ready_at).is_not(None), col(Follow.ready_at) <= clock.now())
        .order_by(col(Follow.ready_at))
        .limit(_FOLLOWS_AT_ONCE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    follows = session.scalars(due).all()
    until = head(session).seq  # after the locks, so that whoever is woken from here on is woken for something later
    for follow in follows:
        try:
            _look_after(session, vault, follow, until)
        except LostSecret:
            log.exception("The address of follow %s cannot be read.", follow.id)
            follow.ready_at = clock.now() + LOOK_AGAIN_AFTER  # the key may be brought back
    return len(follows)


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


def _look_after(session: Session, vault: Vault, follow: Follow, until: int) -> None:
    if follow.pace is Pace.AT_ONCE:
        _tell_at_once(session, vault, follow, until)
    else:
        _tell_in_a_digest(session, vault, follow, until)
    follow.cursor_seq = until


def _tell_at_once(session: Session, vault: Vault, follow: Follow, until: int) -> None:
    now = clock.now()
    if follow.burst_from is None or abs(now - follow.burst_from) >= BURST:  # ahead, where a clock was
        follow.burst_from = now
        follow.burst_changes = MOST_SINGLE - 1 if follow.rest_until else 0  # what piled up meanwhile comes in one mail
        follow.rest_until = None
    room = MOST_SINGLE - follow.burst_changes
    new = wanted(session, vault, follow, follow.cursor_seq, until).order_by(col(Event.seq)).limit(room + 1)
    seqs = session.scalars(new).all()
    if len(seqs) <= room:
        for seq in seqs:
            outbox.put(session, CHANGES, about(follow.id), after=seq - 1, until=seq)
        follow.burst_changes += len(seqs)
    else:
        outbox.put(session, CHANGES, about(follow.id), after=follow.cursor_seq, until=until)
        follow.burst_changes = MOST_SINGLE
        follow.rest_until = follow.burst_from + BURST
    follow.ready_at = None


def _tell_in_a_digest(session: Session, vault: Vault, follow: Follow, until: int) -> None:
    if session.scalars(wanted(session, vault, follow, follow.cursor_seq, until).limit(1)).first():
        outbox.put(session, CHANGES, about(follow.id), after=follow.cursor_seq, until=until)
    follow.ready_at = next_digest_at(follow.pace, follow.timezone, clock.now())


def _outlook(session: Session) -> tuple[bool, bool]:
    """Whether there are events to plan, and follows whose time has come: one query."""
    newest = select(col(Head.seq)).scalar_subquery()
    planned = select(col(FollowPlan.seq)).scalar_subquery()
    ready = select(func.min(col(Follow.ready_at))).where(col(Follow.ready_at).is_not(None)).scalar_subquery()
    head_seq, planned_seq, ready_at = session.execute(select(newest, planned, ready)).one()
    return head_seq > planned_seq, ready_at is not None and ready_at <= clock.now()
