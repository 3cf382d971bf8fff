"""How many deliveries came to what: added up as they are settled, so that nobody has to count the log of attempts.

The numbers are the database's, whichever process asks. They grow for ever; what a rate needs is their difference.
"""

import bisect
from collections import Counter
from collections.abc import Iterable, Sequence

from sqlmodel import Session, select

from app.database import insert
from app.webhooks.answers import Outcome
from app.webhooks.models import Reason, Tally, Tried, Undelivered

UP_TO_MS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)
BEYOND = 2**31 - 1
LEASES_LOST = "leases_lost"
UNPREPARED = "unprepared"
UNSETTLED = "unsettled"


def add(
    session: Session,
    attempts: Iterable[Tried] = (),
    given_up: Iterable[Undelivered] = (),
    leases_lost: int = 0,
    unprepared: int = 0,
    unsettled: int = 0,
) -> None:
    """Part of the transaction that settles, and its last step: these few rows are everyone's."""
    counts: Counter[tuple[str, int]] = Counter((_of_undelivered(undelivered.reason), 0) for undelivered in given_up)
    total_ms: Counter[tuple[str, int]] = Counter()
    for attempt in attempts:
        tally = (_of_attempts(attempt.outcome), _up_to(attempt.duration_ms))
        counts[tally] += 1
        total_ms[tally] += attempt.duration_ms
    counts += Counter({(LEASES_LOST, 0): leases_lost, (UNPREPARED, 0): unprepared, (UNSETTLED, 0): unsettled})
    if not counts:
        return
    added = insert(session, Tally).values(
        [  # in one order, so that of two who add none waits for the other
            {"name": name, "up_to_ms": up_to_ms, "count": count, "total_ms": total_ms[name, up_to_ms]}
            for (name, up_to_ms), count in sorted(counts.items())
        ]
    )
    sums = {column: getattr(Tally, column) + added.excluded[column] for column in ("count", "total_ms")}
    session.execute(added.on_conflict_do_update(index_elements=["name", "up_to_ms"], set_=sums))


class Tallies:
    """All of them, read at once."""

    def __init__(self, session: Session) -> None:
        self._rows: Sequence[Tally] = session.exec(select(Tally)).all()

    def attempts(self, outcome: Outcome) -> int:
        return self._count(_of_attempts(outcome))

    def durations(self, outcome: Outcome) -> tuple[list[tuple[int, int]], int]:
        """Pairs of a limit in milliseconds and how many took no longer; and the sum of all, in milliseconds."""
        rows = [row for row in self._rows if row.name == _of_attempts(outcome)]
        within = [(limit, sum(row.count for row in rows if row.up_to_ms <= limit)) for limit in UP_TO_MS]
        return within, sum(row.total_ms for row in rows)

    def undelivered(self, reason: Reason) -> int:
        return self._count(_of_undelivered(reason))

    @property
    def leases_lost(self) -> int:
        return self._count(LEASES_LOST)

    @property
    def unprepared(self) -> int:
        return self._count(UNPREPARED)

    @property
    def unsettled(self) -> int:
        return self._count(UNSETTLED)

    def _count(self, name: str) -> int:
        return sum(row.count for row in self._rows if row.name == name)


def _of_attempts(outcome: Outcome) -> str:
    return f"attempts.{outcome}"


def _of_undelivered(reason: Reason) -> str:
    return f"undelivered.{reason}"


def _up_to(duration_ms: int) -> int:
    place = bisect.bisect_left(UP_TO_MS, duration_ms)
    return UP_TO_MS[place] if place < len(UP_TO_MS) else BEYOND
