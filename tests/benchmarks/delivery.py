"""`uv run python -m tests.benchmarks.delivery`: from a commit to a partner's endpoint, on both databases.

Latency when nothing else happens, throughput against a bare loop of the same client, what hanging endpoints cost the
others, one change that concerns a hundred thousand webhooks, and what an idle worker costs. Figures are for people to
read.
"""

import argparse
import asyncio
import datetime
import gc
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table
from sqlmodel import col, func, select

from app.database import Database
from app.ledger import open_database
from app.migrating import migrate
from app.settings import Settings
from app.vault import Vault, open_vault
from app.webhooks import planning, signing
from app.webhooks.addresses import AddressPolicy
from app.webhooks.delivering import Deliverer
from app.webhooks.models import Lane
from app.webhooks.outlook import outlook
from app.webhooks.sending import Sender
from tests import postgres
from tests.benchmarks.partners import counting, happen, subscribe
from tests.benchmarks.sink import Sink, open_sink

NETWORK = "127.0.0.0/8"
BODY = b'{"type":"demand.revised","timestamp":"2026-01-01T00:00:00.000000Z","data":"' + b"x" * 1000 + b'"}'


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--webhooks", type=int, default=1_000, help="of the throughput")
    arguments.add_argument("--crowd", type=int, default=100_000, help="of the change that concerns very many")
    arguments.add_argument("--idle", type=int, default=20, help="seconds that the worker is watched while idle")
    arguments.add_argument("--only", nargs="+", choices=sorted(MEASURES), default=sorted(MEASURES))
    options = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.freeze()  # as the commands do
    table = Table("what", "SQLite", "PostgreSQL")
    found = {}
    for name in ("SQLite", "PostgreSQL"):
        found[name] = dict(_measure(name, options))
    for what in found["SQLite"]:
        table.add_row(what, found["SQLite"][what], found["PostgreSQL"][what])
    Console().print(table)


def _measure(name: str, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for measure in [MEASURES[only] for only in options.only]:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            url = stack.enter_context(postgres.running()) if name == "PostgreSQL" else ""
            sink = stack.enter_context(open_sink())
            networks = (ip_network(NETWORK),)
            settings = Settings(
                _env_file=None, data_dir=Path(folder), database_url=url, webhook_allow_networks=networks
            )
            database = open_database(settings)
            stack.callback(database.dispose)
            migrate(database)
            yield from measure(database, open_vault(settings), sink, options)


def _latency(database: Database, vault: Vault, sink: Sink, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """From the moment that the ledger notes, just before the commit, to the first byte at the endpoint."""
    subscribe(database, vault, [sink.url(0)], "one")
    with _delivering(database, vault):
        taken = _one_by_one(database, sink)
    yield "commit to receipt when idle, p50", f"{_percentile(taken, 50):.1f} ms"
    yield "the same, p99", f"{_percentile(taken, 99):.1f} ms"
    if database.is_sqlite:
        yield "and from another process, p50 and p99", "(polls every second)"
        return
    with _worker_process(database.settings):
        taken = _one_by_one(database, sink)
    yield "and from another process, p50 and p99", f"{_percentile(taken, 50):.1f}, {_percentile(taken, 99):.1f} ms"


def _one_by_one(database: Database, sink: Sink, times: int = 200) -> list[float]:
    """The first ones, for which connections are made, are left out."""
    taken = []
    for _ in range(times + 10):
        happen(database, "one")
        taken += _latencies(sink.wait_for(1))
    return taken[10:]


def _idle(database: Database, vault: Vault, sink: Sink, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    subscribe(database, vault, [sink.url(0)], "one")
    with _worker_process(database.settings) as pid:
        happen(database, "one")
        sink.wait_for(1)
        count = counting(database)
        time.sleep(15)  # until PostgreSQL has added up what was before
        before, cpu = count(), _cpu_seconds(pid)
        time.sleep(options.idle)
        cpu, transactions = _cpu_seconds(pid) - cpu, count() - before - 1
    yield "idle worker, CPU", f"{100 * cpu / options.idle:.2f} %"
    yield "idle worker, transactions a second", f"{transactions / options.idle:.2f}" if transactions > 0 else "–"


def _throughput(database: Database, vault: Vault, sink: Sink, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    changes = 5
    urls = [sink.url(number) for number in range(options.webhooks)]
    subscribe(database, vault, urls, "many")
    bare, ours = [], []
    for _ in range(3):  # by turns, so that both meet the machine at its best and at its worst
        bare.append(uvloop.run(_bare(urls, changes, database.settings)))
        sink.received()
        happen(database, "many", times=changes)
        started = time.perf_counter()
        with _delivering(database, vault):
            while _busy(database):
                time.sleep(0.1)
            ours.append(changes * len(urls) / (time.perf_counter() - started))
        assert len(sink.received()) >= changes * len(urls)
    yield f"bare loop over {len(urls):,} endpoints", f"{statistics.median(bare):,.0f} a second"
    yield "deliveries with all bookkeeping", f"{statistics.median(ours):,.0f} a second"
    yield "ratio (0.6 or more is wanted)", f"{statistics.median(ours) / statistics.median(bare):.2f}"


async def _bare(urls: Sequence[str], times: int, settings: Settings) -> float:
    """As many as the client and the transport alone can send, signed, as many at once as the worker sends."""
    secret = signing.new_secret()
    queue = iter([url for _ in range(times) for url in urls])

    async def send_some(sender: Sender) -> None:
        for url in queue:
            headers = signing.headers([secret], "evt_1", int(time.time()), BODY)
            answer = await sender.post(url, headers, BODY)
            assert answer.status == 204, answer

    async with Sender(AddressPolicy(settings.webhook_allow_networks, settings.webhook_allow_http)) as sender:
        started = time.perf_counter()
        await asyncio.gather(*(send_some(sender) for _ in range(settings.webhook_concurrency)))
        return times * len(urls) / (time.perf_counter() - started)


def _hanging(database: Database, vault: Vault, sink: Sink, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Waves to all; then the same where one in a hundred swallows connections, and gets all its retries meanwhile."""
    changes, dead = 10, max(1, options.webhooks // 100)
    subscribe(database, vault, [sink.url(number) for number in range(options.webhooks)], "well")
    subscribe(database, vault, [sink.url(number, "/hang") for number in range(dead)], "ill")
    found = {}
    for words in (("well",), ("well", "ill")):
        with _delivering(database, vault):
            taken = []
            for _ in range(changes):
                happen(database, *words)
                taken += _latencies(sink.wait_for(options.webhooks))
            found[words] = _percentile(taken, 99)
    ratio = found["well", "ill"] / found["well",]
    yield f"p99 of a wave to {options.webhooks:,}", f"{found['well',]:,.0f} ms"
    yield f"with {dead} that hang beside them", f"{found['well', 'ill']:,.0f} ms"
    yield "ratio (2 or less is wanted)", f"{ratio:.2f}"


def _crowd(database: Database, vault: Vault, sink: Sink, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    subscribe(database, vault, (sink.url(number) for number in range(options.crowd)), "crowd")
    subscribe(database, vault, [sink.url(0, "/other")], "other")
    happen(database, "crowd")
    before, started = _peak_bytes(), time.perf_counter()
    more = True
    while more:
        with database.write() as session:
            more = planning.plan(session)
    seconds = time.perf_counter() - started
    yield f"one change planned for {options.crowd:,}", f"{seconds:.1f} s"
    yield "the memory that this took", f"{(_peak_bytes() - before) / 2**20:.0f} MiB"
    held_up = []
    with _delivering(database, vault):
        for _ in range(3):
            happen(database, "crowd")
            time.sleep(0.1)
            happen(database, "other")
            held_up += _latencies(_wait_for_path(sink, "/other"))
    yield "another's first delivery meanwhile, at worst", f"{max(held_up) / 1000:.2f} s"


def _wait_for_path(sink: Sink, path: str) -> list[tuple[float, str, str]]:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        found = [each for each in sink.received() if each[1].startswith(path)]
        if found:
            return found
        time.sleep(0.05)
    raise RuntimeError("It never came.")


@contextmanager
def _delivering(database: Database, vault: Vault) -> Iterator[None]:
    """A worker in this process, on the loop that servers use."""
    deliverer = Deliverer(database, vault, database.settings)
    started: list[Callable[[], object]] = []

    async def work() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        started.append(lambda: loop.call_soon_threadsafe(stop.set))
        await deliverer.run(stop)

    thread = threading.Thread(target=lambda: uvloop.run(work()))
    thread.start()
    while not started:
        time.sleep(0.01)
    try:
        yield
    finally:
        started[0]()
        thread.join()


@contextmanager
def _worker_process(settings: Settings) -> Iterator[int]:
    given = {"DATA_DIR": settings.data_dir, "DATABASE_URL": settings.database_url, "WEBHOOK_ALLOW_NETWORKS": NETWORK}
    environment = {**os.environ, **{f"DEMANDS_{name}": str(value) for name, value in given.items()}}
    command = [sys.executable, "-c", "from app.cli import main; main()", "work"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        yield process.pid
        process.terminate()


def _latencies(found: Sequence[tuple[float, str, str]]) -> list[float]:
    """In milliseconds."""
    return [1000 * (moment - datetime.datetime.fromisoformat(since).timestamp()) for moment, _, since in found]


def _percentile(taken: Sequence[float], percent: int) -> float:
    return statistics.quantiles(taken, n=100, method="inclusive")[percent - 1]


def _busy(database: Database) -> bool:
    with database.read() as session:
        waiting = session.exec(select(func.count()).select_from(Lane).where(col(Lane.ready_at).is_not(None))).one()
        return outlook(session).unplanned or waiting > 0


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _cpu_seconds(pid: int) -> float:
    """Of a process, from Linux's own account (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


MEASURES = {"latency": _latency, "idle": _idle, "throughput": _throughput, "hanging": _hanging, "crowd": _crowd}

if __name__ == "__main__":
    main()
