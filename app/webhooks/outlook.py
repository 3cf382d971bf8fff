"""Whether there is anything to do: what a worker asks that rests."""

import datetime
import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app import clock
from app.ledger.models import Head
from app.webhooks.models import Lane, PlanProgress

_HEAD = select(col(Head.seq)).scalar_subquery()
_PLANNED = select(col(PlanProgress.seq)).scalar_subquery()
_READY: Any = select(func.min(col(Lane.ready_at))).where(col(Lane.ready_at).is_not(None)).scalar_subquery()
_ALL_AT_ONCE = select(_HEAD, _PLANNED, _READY)


@dataclass(frozen=True)
class Outlook:
    """Whether there are events to plan, and when the next lane is due."""

    unplanned: bool
    next_ready_at: datetime.datetime | None

    @property
    def due(self) -> bool:
        return self.due_in_seconds <= 0

    @property
    def due_in_seconds(self) -> float:
        if self.next_ready_at is None:
            return math.inf
        return (self.next_ready_at - clock.now()).total_seconds()


def outlook(session: Session) -> Outlook:
    head_seq, planned_seq, next_ready_at = session.connection().execute(_ALL_AT_ONCE).one()
    return Outlook(head_seq > planned_seq, next_ready_at)
