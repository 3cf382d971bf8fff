"""Questions about follows: what one wants, may see, and has not made itself."""

import datetime
import uuid
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, Text, or_, select, type_coerce
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import ANONYMOUS
from app.accounts.audience import ledger_gate
from app.accounts.models import Person
from app.follows.models import Follow
from app.ledger.models import Canonical, Event, Subject
from app.ledger.selecting import REDACTED, Selection
from app.problems import NotFound
from app.vault import Vault

CONFIRM_WITHIN = datetime.timedelta(hours=48)
GATE = ledger_gate(ANONYMOUS)  # whoever follows by e-mail is nobody in particular


def get_follow(session: Session, follow_id: uuid.UUID, lock: bool = False) -> Follow:
    """Raises NotFound for one that has ended, or was not confirmed in time."""
    follow = session.get(Follow, follow_id, with_for_update=lock, populate_existing=True)
    if follow is None or is_over(follow):
        raise NotFound("Nothing is followed by this link any more; ask to follow again.")
    return follow


def find_follow(session: Session, follow_id: uuid.UUID) -> Follow | None:
    """None for one that has ended; whoever wants to end it has got what they want."""
    return session.get(Follow, follow_id)


def is_over(follow: Follow) -> bool:
    return follow.confirmed_at is None and follow.created_at < clock.now() - CONFIRM_WITHIN


def wanted(follow: Follow, own: uuid.UUID | None, after: int, until: int) -> Select[int]:
    """The numbers of the events after one and up to another that the follower is to be told of.

    Nobody is told of what they did themselves: `own` is who the follower is, where a person here has the address.
    """
    numbers = select(col(Event.seq)).outerjoin(Subject, col(Subject.key) == col(Event.subject))
    stretch = numbers.where(col(Event.seq) > after, col(Event.seq) <= until, GATE.condition)
    selection = Selection.of(follow.types, follow.filters, GATE.circle)
    return stretch.where(selection.condition(), *_of_theirs(follow), *_by_others(own))


def people_at(session: Session, addresses: Iterable[str]) -> dict[str, uuid.UUID]:
    """The people here who have one of the addresses, by the address in small letters."""
    theirs = col(Person.email).in_({address.lower() for address in addresses})
    return {row.email: row.id for row in session.execute(select(col(Person.email), col(Person.id)).where(theirs))}


def address_of(vault: Vault, follow: Follow) -> str:
    return vault.open(follow.address_sealed).decode()


def _of_theirs(follow: Follow) -> list[ColumnElement[bool]]:
    """That a source was taken from view is for programs with copies; who follows little was hardly told of it."""
    takes_back = or_(col(Event.notice), col(Event.type).in_(REDACTED))
    return [or_(col(Event.demand).is_not(None), ~takes_back)] if follow.filters else []


def _by_others(own: uuid.UUID | None) -> list[ColumnElement[bool]]:
    if own is None:
        return []
    written = Canonical.of({"person": str(own)})[1:-1]
    return [~type_coerce(col(Event.actor), Text).contains(written, autoescape=True)]
