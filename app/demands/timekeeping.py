"""Time passes without anyone acting, so the tracker acts for it: what time changes is recorded, once, as an event."""

import datetime
from collections.abc import Callable
from typing import Any

from sqlalchemy import String, cast, exists, func, select
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import system
from app.database import Database, locked, settings_of
from app.dates import last_day_of
from app.demands import facts, publishing
from app.demands.filters import overdue, review_due
from app.demands.models import Demand, Notice
from app.fields import Audience
from app.ledger.reading import last_of

CHUNK = 100
WORKER = system("worker")
DEADLINE = last_day_of(col(Demand.deadline))
LAST_CHECK = func.coalesce(cast(col(Demand.last_checked_on), String), "never")


def tick(database: Database) -> int:
    """Record all that has become so since the last time, after a standstill too; returns how many events."""
    recorded = 0
    for step in (publishing.end_embargoes, _note_overdue, _note_due_soon, _note_review_due):
        while noted := _in_one_transaction(database, step):
            recorded += noted
    return recorded


def next_end_of_embargo(database: Database, after: datetime.datetime) -> datetime.datetime | None:
    """When the next demand is to be shown, if any is under embargo."""
    ends = col(Demand.embargoed_until)
    with database.read() as session:
        return session.scalars(select(ends).where(ends > after).order_by(ends).limit(1)).first()


def _in_one_transaction(database: Database, step: Callable[[Session], list[str]]) -> int:
    with database.write() as session:
        return len(step(session))


def _note_overdue(session: Session) -> list[str]:
    return _note(session, "demand.overdue", overdue(col(Demand.status), clock.today()), DEADLINE)


def _note_due_soon(session: Session) -> list[str]:
    today = clock.today()
    horizon = today + datetime.timedelta(days=settings_of(session).due_soon_days + 1)
    near = overdue(col(Demand.status), horizon) & ~overdue(col(Demand.status), today)
    return _note(session, "demand.due_soon", near, DEADLINE)


def _note_review_due(session: Session) -> list[str]:
    return _note(session, "demand.review_due", review_due(session, col(Demand.status), clock.today()), LAST_CHECK)


def _note(session: Session, type: str, condition: Any, occasion: Any) -> list[str]:
    """Record the event for demands that meet the condition, once per occasion (this last day, this last check).

    A demand that another worker has in hand is left to it; what is read after the lock is the newest.
    """
    noted = exists().where(
        col(Notice.demand_id) == col(Demand.id), col(Notice.type) == type, last_day_of(col(Notice.occasion)) == occasion
    )
    due = select(Demand, occasion).where(condition, ~noted).order_by(col(Demand.id)).limit(CHUNK)
    refs = []
    for demand, now in session.execute(locked(due, skip_locked=True, of=Demand)).all():
        notice = session.get(Notice, (demand.key, type), populate_existing=True)
        if notice and notice.occasion == now:
            continue
        notice = notice or Notice(demand_id=demand.key, type=type, occasion=now)
        notice.occasion = now
        session.add(notice)
        facts.record(session, WORKER, type, demand, audience=_whom_to_tell(session, type, demand))
        refs.append(demand.ref)
    return refs


def _whom_to_tell(session: Session, type: str, demand: Demand) -> Audience:
    """Those who see the demand; staff alone where its deadline had passed when it was shown to them: a flag told that.

    Of a draft nobody else is told, ever.
    """
    shown = last_of(session, f"demand:{demand.ref}", "demand.published") if type == "demand.overdue" else None
    was_late = shown and demand.deadline and demand.deadline.last_day < shown.recorded_at.date()
    return Audience.STAFF if was_late else demand.circle
