"""Many writers at once, some of whom fail, dawdle or have much to say; and readers who follow them."""

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlmodel import col, select

from app.accounts.actor import Actor, system
from app.accounts.audience import ledger_gate
from app.database import Database
from app.demands import recording
from app.demands.models import Demand
from app.demands.schemas import UpdateNew
from app.ledger import reading
from app.ledger.reading import EventView
from app.ledger.selecting import EVERY_EVENT, Selection

WRITER = system("tests")


class ChangedMyMind(Exception):
    pass


@dataclass
class Follower:
    """A client that keeps its cursor, asks for a few entries at a time, and believes what it is given."""

    actor: Actor
    selection: Selection = EVERY_EVENT
    limit: int = 7
    cursor: str = ""
    seen: list[EventView] = field(default_factory=list)

    def follow(self, database: Database, over: threading.Event) -> None:
        while not over.is_set():
            if not self.look(database):
                over.wait(0.005)
        while self.look(database):
            pass

    def look(self, database: Database) -> bool:
        """Whether there may be more."""
        with database.read() as session:
            start = reading.position(self.cursor, reading.head(session))
            found = reading.after(session, ledger_gate(self.actor), start, self.limit, self.selection)
        self.seen += found.items
        self.cursor = found.next_cursor
        return bool(found.items)


def write_about(database: Database, refs: Sequence[str], writers: int, each: int, followers: Sequence[Follower]) -> int:
    """Every writer tries `each` transactions, by a script of its own that is the same in every run.

    Gives how many updates were committed.
    """
    over = threading.Event()
    with ThreadPoolExecutor(writers + len(followers)) as pool:
        following = [pool.submit(follower.follow, database, over) for follower in followers]
        try:
            committed = sum(
                pool.map(lambda number: _write(database, refs, random.Random(number), each), range(writers))
            )
        finally:
            over.set()
        for outcome in following:
            outcome.result(timeout=30)
    return committed


def versions_of(database: Database, refs: Sequence[str]) -> dict[str, int]:
    with database.read() as session:
        rows = session.exec(select(col(Demand.ref), col(Demand.version)).where(col(Demand.ref).in_(refs)))
        return dict(rows.all())


def _write(database: Database, refs: Sequence[str], chance: random.Random, each: int) -> int:
    update = UpdateNew.model_validate({"text": "Somebody said something.", "on": "2024"})
    committed = 0
    for _ in range(each):
        about = sorted(chance.sample(refs, chance.choice([1, 1, 1, 2, 3])))  # in one order, as whoever locks rows must
        try:
            with database.write() as session:
                for ref in about:
                    recording.add_update(session, WRITER, ref, update)
                if chance.random() < 0.2:
                    time.sleep(0.02)
                if chance.random() < 0.2:
                    raise ChangedMyMind
        except ChangedMyMind:
            continue
        committed += len(about)
    return committed
