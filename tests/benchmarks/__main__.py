"""`uv run python -m tests.benchmarks`: how quick the hot paths are, against a ceiling measured in the same run.

Figures are for people to read: nothing fails by them. Everything happens on this machine and ends by itself.
"""

import argparse
import gc
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import select, text
from sqlmodel import col

from app.accounts.actor import ANONYMOUS, system
from app.database import Database
from app.dates import PartialDate
from app.demands import queries, status_changes
from app.demands.filters import DemandFilter, Sort, order_of
from app.demands.lifecycle import Stance, Status
from app.demands.models import Demand
from app.demands.schemas import CitationNew, StatusChangeNew
from app.fields import Audience
from app.ledger import open_database
from app.migrating import migrate
from app.seeding import load
from app.settings import Settings
from tests import postgres
from tests.benchmarks.crowd import multiply

ROUNDS = 60
STARTS = 7


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--demands", type=int, default=100_000)
    arguments.add_argument("--postgresql", action="store_true", help="measure on PostgreSQL as well")
    options = arguments.parse_args()
    table = Table("what", "median", "quickest", "worst", "of the ceiling")
    with tempfile.TemporaryDirectory() as folder:
        _starting(table, Path(folder) / "start")
        _database(table, "SQLite", Settings(data_dir=Path(folder) / "crowd"), options.demands)
        if options.postgresql:
            with postgres.running() as url:
                _database(
                    table, "PostgreSQL", Settings(data_dir=Path(folder) / "pg", database_url=url), options.demands
                )
    Console().print(table)


def _starting(table: Table, folder: Path) -> None:
    """To import the frameworks and nothing of ours is the ceiling."""
    frameworks = [sys.executable, "-c", "import fastapi, sqlmodel, uvicorn"]
    bare = _timed(lambda: subprocess.run(frameworks, check=True), STARTS)
    first, _ = _serve(folder)
    again, memories = zip(*(_serve(folder) for _ in range(STARTS)), strict=True)
    table.add_row("start to ready, first time (with migrations)", _milliseconds(first), "", "", "")
    _row(table, "the frameworks' imports alone", bare, bare)
    _row(table, "start to ready", again, bare)
    table.add_row("idle memory of serve", f"{statistics.median(memories) / 2**20:.0f} MiB", "", "", "")


def _serve(folder: Path) -> tuple[float, int]:
    """Seconds until `/readyz` answers, and the resident bytes of the process a second later."""
    port = _free_port()
    environment = {**os.environ, "DEMANDS_DATA_DIR": str(folder)}
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - started < 30:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=1, trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.01)
        ready = time.perf_counter() - started
        time.sleep(1)
        return ready, _resident(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _resident(pid: int) -> int:
    """Bytes, from Linux's own account (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def _database(table: Table, name: str, settings: Settings, demands: int) -> None:
    database = open_database(settings)
    migrate(database)
    load(database)
    multiply(database, demands)
    database.dispose()  # and what was written goes from the log into the database
    gc.freeze()  # as `serve` does
    try:
        ceiling = _timed(lambda: _bare(database))
        _row(table, f"{name}: bare SQL for the same 50 rows", ceiling, ceiling)
        _row(
            table,
            f"{name}: default list of 50 of {demands:,}",
            _timed(lambda: _page(database, DemandFilter())),
            ceiling,
        )
        deep = _thousandth(database)
        _row(table, f"{name}: its thousandth page", _timed(lambda: _page(database, deep)), ceiling)
        for words in FILTERS:
            query = DemandFilter.model_validate(words)
            _row(table, f"{name}: list with {words}", _timed(partial(_page, database, query), 15), ceiling)
        commit = _timed(lambda: _bare_commit(database))
        _row(table, f"{name}: bare commit", commit, commit)
        _row(table, f"{name}: a status change with evidence", _timed(_changer(database)), commit)
    finally:
        database.dispose()


FILTERS: list[dict[str, object]] = [
    {"status": ["met"]},
    {"kind": ["un_mission"]},
    {"body": ["un-sc"]},
    {"issuer": ["lemkin"]},
    {"tag": ["detention"]},
    {"source": ["efe-2023-10-01-un-mission-arrives"]},
    {"disputed": True},
    {"overdue": True},
    {"stale": True},
    {"no_response": True},
    {"q": "prisoners"},
    {"as_of": "2023-10-05"},
]


def _page(database: Database, query: DemandFilter) -> None:
    with database.read() as session:
        queries.list_demands(session, ANONYMOUS, query, Sort.NEWEST).model_dump_json()


def _bare(database: Database) -> None:
    statement = "SELECT * FROM demand WHERE visible_to = 'public' ORDER BY updated_at DESC, id DESC LIMIT 51"
    with database.read() as session:
        session.execute(text(statement)).all()


def _thousandth(database: Database) -> DemandFilter:
    """The query of the page after 999 others."""
    query = DemandFilter()
    newest = (
        select(col(Demand.updated_at), col(Demand.id))
        .where(col(Demand.visible_to) == Audience.PUBLIC)
        .order_by(col(Demand.updated_at).desc(), col(Demand.id).desc())
    )
    with database.read() as session:
        last_two = session.execute(newest.offset(999 * query.limit - 1).limit(2)).all()
    cursor = order_of(Sort.NEWEST, query).next_cursor(last_two, query.model_copy(update={"limit": 1}))
    return query.model_copy(update={"cursor": cursor})


def _changer(database: Database) -> Callable[[], None]:
    moves = iter([Status.STALLED, Status.IN_PROGRESS] * ROUNDS)
    evidence = CitationNew(source="efe-2023-10-01-un-mission-arrives", stance=Stance.SUPPORTS, locator="page 1")

    def change() -> None:
        new = StatusChangeNew(
            to=next(moves), effective_on=PartialDate("2024-01-02"), reason="Measured.", citations=[evidence]
        )
        with database.write() as session:
            status_changes.change_status(session, system("benchmark"), "NK-3", new)

    return change


def _bare_commit(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_subject SET visible_to = visible_to WHERE key = 'demand:NK-3'"))


def _timed(action: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return taken


def _row(table: Table, what: str, taken: Sequence[float], ceiling: Sequence[float]) -> None:
    median = statistics.median(taken)
    of_ceiling = statistics.median(ceiling) / median
    times = (_milliseconds(seconds) for seconds in (median, min(taken), max(taken)))
    table.add_row(what, *times, f"{of_ceiling:.2f}")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.2f} ms"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
