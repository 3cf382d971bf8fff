"""Endpoints that fail for long: staff are told after an hour, a day and three, and after five the webhook is disabled.

Whoever answers, but takes nothing of what it is sent, fails too. Failures that are our own count neither for the time
nor for the number. Whatever is found is written in the transaction that settles the attempt which shows it, while the
lane is locked; so each notice is given once.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from app import clock
from app.webhooks import actions
from app.webhooks.answers import OURS, Outcome, counts_against_endpoint
from app.webhooks.lanes import Claimed, Settled, Work
from app.webhooks.models import GIVE_UP_AFTER, Attempt, Lane, Reason

FAILURES = (Outcome.RETRY, Outcome.REJECTED)
WARN_AFTER_HOURS = (1, 24, 72)
DISABLE_AFTER = datetime.timedelta(days=5)
LEAST_ATTEMPTS = 20
LEAST_DAYS = 3
GIVE_UP_DAYS = 5  # on which it was tried in vain: while we stood still, or failed ourselves, it was not
_DAY = func.date(Attempt.started_at)


def examine(session: Session, settled: Iterable[Settled]) -> None:
    """Of webhooks that are active: one may have been paused meanwhile, but not while its lane is locked."""
    for each in settled:
        work, lane = each.work, each.lane
        if not each.active or not lane.first_fail_at or not _was_in_vain(work):
            continue
        if _is_hopeless(session, lane.webhook_id, lane.first_fail_at):
            lane.ready_at = None
            actions.disable_webhook(session, lane.webhook_id, "The endpoint failed for five days.")
            continue
        _warn(session, lane, clock.now() - lane.first_fail_at)


def hopeless(session: Session, claimed: Sequence[Claimed]) -> dict[uuid.UUID, datetime.datetime]:
    """The webhooks whose endpoints have failed for so long that what is as old may be given up.

    With the moment from when on it failed on just as many days as it has to: what is younger has not been tried enough.
    """
    since = {lane.lease.webhook_id: lane.first_fail_at for lane in claimed if lane.first_fail_at}
    long_ago = {key: moment for key, moment in since.items() if moment < clock.now() - GIVE_UP_AFTER}
    found = ((key, _failed_enough_from(session, key, moment)) for key, moment in long_ago.items())
    return {key: moment for key, moment in found if moment}


def _was_in_vain(work: Work) -> bool:
    """Whether the endpoint failed again, or what was left for it was too old to be tried."""
    if work.attempts:
        return work.outcome in FAILURES and counts_against_endpoint(work.attempts[-1].error)
    return any(event.reason is Reason.EXPIRED for event in work.set_aside)


def _is_hopeless(session: Session, webhook_id: uuid.UUID, failing_since: datetime.datetime) -> bool:
    if clock.now() - failing_since < DISABLE_AFTER:
        return False
    attempts, days = _failures(session, webhook_id, failing_since)
    return attempts >= LEAST_ATTEMPTS and days >= LEAST_DAYS


def _failures(session: Session, webhook_id: uuid.UUID, since: datetime.datetime) -> tuple[int, int]:
    """How many there were, and on how many days."""
    counted = select(func.count(), func.count(_DAY.distinct()))
    return session.exec(counted.where(*_failed_since(webhook_id, since))).one()


def _failed_enough_from(session: Session, webhook_id: uuid.UUID, since: datetime.datetime) -> datetime.datetime | None:
    """The first failure of the last few days on which there were any; None where these are too few."""
    first = select(func.min(col(Attempt.started_at))).where(*_failed_since(webhook_id, since)).group_by(_DAY)
    return session.exec(first.order_by(_DAY.desc()).offset(GIVE_UP_DAYS - 1).limit(1)).one_or_none()


def _failed_since(webhook_id: uuid.UUID, since: datetime.datetime) -> tuple[ColumnElement[bool], ...]:
    """A condition on attempts: failures of the endpoint's own."""
    theirs = or_(col(Attempt.error).is_(None), col(Attempt.error).not_in(OURS))
    at_it = col(Attempt.webhook_id) == webhook_id
    return at_it, col(Attempt.outcome).in_(FAILURES), col(Attempt.started_at) >= since, theirs


def _warn(session: Session, lane: Lane, failing_for: datetime.timedelta) -> None:
    """Of the latest step only, where the worker stood still over several."""
    steps = [hours for hours in WARN_AFTER_HOURS if failing_for >= datetime.timedelta(hours=hours)]
    if steps and steps[-1] > lane.warned_hours:
        lane.warned_hours = steps[-1]
        actions.warn_of_failures(session, lane.webhook_id, steps[-1])
