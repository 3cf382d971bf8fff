"""The life of a mail: put into the outbox by the transaction that causes it, sent afterwards, at least once.

A worker claims a due mail for a while, sends it, and settles what came of it. One that dies leaves a lease that runs
out; one that is late finds that the mail was claimed again since, and changes nothing. Every attempt at a mail has the
same Message-ID, so that a mailbox can tell a repetition.

Everything here is a step of a transaction that the caller opens.
"""

import datetime
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, func, select, update
from sqlmodel import Session, col

from app import clock
from app.database import settings_of
from app.mail.models import Mail, MailState
from app.mail.sending import NO_SUCH_RECIPIENT
from app.tables import first_id

LEASE = datetime.timedelta(minutes=3)  # longer than `sending` lets a server take until it has one
RETRY_AFTER = tuple(datetime.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240))  # then each four hours
GIVE_UP_AFTER = datetime.timedelta(days=3)
CLOCKS_APART = datetime.timedelta(hours=1)  # of the workers


@dataclass(frozen=True)
class Claimed:
    """The right to send a mail until somebody else has claimed it again."""

    id: uuid.UUID
    attempt: int
    kind: str
    about: str
    data: dict[str, Any]
    created_at: datetime.datetime


def put(session: Session, kind: str, about: str, **data: Any) -> None:
    """To be sent once the transaction has committed; nothing where this installation sends no mail."""
    if settings_of(session).sends_mail:
        session.add(Mail(kind=kind, about=about, data=data))


def was_put_since(session: Session, moment: datetime.datetime, kind: str, about: str) -> bool:
    same = select(col(Mail.id)).where(col(Mail.about) == about, col(Mail.kind) == kind)
    return session.execute(same.where(col(Mail.created_at) >= moment).limit(1)).first() is not None


def count_put_since(session: Session, moment: datetime.datetime, to: str) -> int:
    """Of those that name whom they are `to`, whatever they are about."""
    same = col(Mail.data)["to"].as_string() == to
    counted = select(func.count()).select_from(Mail).where(col(Mail.id) >= first_id(moment), same)
    return int(session.execute(counted).scalar_one())


def drop(session: Session, about: str) -> None:
    """Whatever was put in about something that has ended, be it sent or not."""
    session.execute(delete(Mail).where(col(Mail.about) == about))


def pass_on(session: Session, about: str, to: str) -> None:
    """What still waits is about something else from now on, which takes the place of what it was put in about."""
    waiting = (col(Mail.about) == about, col(Mail.state) == MailState.WAITING)
    session.execute(update(Mail).where(*waiting).values(about=to).execution_options(synchronize_session=False))


def is_due(session: Session) -> bool:
    due = select(col(Mail.id)).where(col(Mail.ready_at).is_not(None), col(Mail.ready_at) <= clock.now())
    return session.execute(due.limit(1)).first() is not None


def claim(session: Session) -> Claimed | None:
    """The one that has waited longest; None where none is due."""
    now = clock.now()
    due = (
        select(col(Mail.id))
        .where(col(Mail.ready_at).is_not(None), col(Mail.ready_at) <= now)
        .order_by(col(Mail.ready_at), col(Mail.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED")  # PostgreSQL might run it again for each row
    )
    lend = (
        update(Mail)
        .where(col(Mail.id) == due.c.id)
        .values(ready_at=now + LEASE, attempts=Mail.attempts + 1)
        .returning(
            col(Mail.id), col(Mail.attempts), col(Mail.kind), col(Mail.about), col(Mail.data), col(Mail.created_at)
        )
        .execution_options(synchronize_session=False)
    )
    row = session.execute(lend).one_or_none()
    return Claimed(*row) if row else None


def set_right(session: Session) -> None:
    """Send what waits longer than anything may: whoever wrote that had a clock ahead of ours."""
    now = clock.now()
    too_long = update(Mail).where(col(Mail.ready_at) > now + max(RETRY_AFTER) + CLOCKS_APART).values(ready_at=now)
    session.execute(too_long.execution_options(synchronize_session=False))


def settle_sent(session: Session, mail: Claimed) -> None:
    _settle(session, mail, state=MailState.SENT, ready_at=None, finished_at=clock.now(), error=None)


def settle_needless(session: Session, mail: Claimed) -> None:
    """There is nothing to say any more, or nobody to say it to, unless it was passed on since."""
    session.execute(delete(Mail).where(*_still(mail), col(Mail.about) == mail.about))


def settle_failed(session: Session, mail: Claimed, error: str, for_good: bool, counts: bool = True) -> bool:
    """Later again, unless it was refused for good or has been tried for days; tells whether it was given up.

    What does not count is no fault of the mail: it waits no longer than after its first attempt.
    """
    now = clock.now()
    if for_good or now - mail.created_at > GIVE_UP_AFTER:
        _settle(session, mail, state=MailState.GIVEN_UP, ready_at=None, finished_at=now, error=error)
        return True
    pause = RETRY_AFTER[min(mail.attempt, len(RETRY_AFTER)) - 1] if counts else RETRY_AFTER[0]
    _settle(session, mail, ready_at=now + pause, attempts=mail.attempt if counts else mail.attempt - 1, error=error)
    return False


def without_recipient(session: Session) -> list[tuple[str, datetime.datetime]]:
    """What those mails were about that were given up since nobody has such an address, and when that was."""
    unknown = (col(Mail.state) == MailState.GIVEN_UP, col(Mail.error).startswith(NO_SUCH_RECIPIENT))
    found = session.execute(select(col(Mail.about), col(Mail.finished_at)).where(*unknown))
    return [(about, at) for about, at in found if at]


def last_sent(session: Session, about: Collection[str] | None = None) -> datetime.datetime | None:
    """When the latest mail was taken that was about any of these, or about anything."""
    sent = select(func.max(col(Mail.finished_at))).where(col(Mail.state) == MailState.SENT)
    return session.scalar(sent if about is None else sent.where(col(Mail.about).in_(about)))


@dataclass(frozen=True)
class Tally:
    """How the outbox stands."""

    late: int
    given_up: int


def tally(session: Session, late_before: datetime.datetime) -> Tally:
    late = func.count(case((col(Mail.ready_at) < late_before, 1)))
    given_up = func.count(case((col(Mail.state) == MailState.GIVEN_UP, 1)))
    return Tally(*session.execute(select(late, given_up).where(col(Mail.state) != MailState.SENT)).one())


def _settle(session: Session, mail: Claimed, **values: Any) -> None:
    changed = update(Mail).where(*_still(mail)).values(**values)
    session.execute(changed.execution_options(synchronize_session=False))


def _still(mail: Claimed) -> tuple[Any, ...]:
    """Whether nobody has claimed it since."""
    waiting = col(Mail.state) == MailState.WAITING
    return col(Mail.id) == mail.id, col(Mail.attempts) == mail.attempt, waiting
