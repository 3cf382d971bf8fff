"""`uv run python -m tests.benchmarks.stream`: one event to thousands of listeners, against a bare ASGI broadcast.

Each is served by uvicorn in a process of its own, to clients that are alike, by turns: so both meet the machine at its
best and at its worst. Figures are for people to read.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
import uvloop
from rich.console import Console
from rich.table import Table
from starlette.types import Message, Receive, Scope, Send

from app import ledger
from app.accounts.actor import system
from app.fields import Audience
from app.ledger import open_database
from app.main import create_app
from app.migrating import migrate
from app.settings import Settings
from tests.serving import free_port

STREAM = "/api/v1/events/stream"
ROUNDS = 21
END_OF_EVENT = b"after-all"
EVENT = b"id: 0123456789ab-1\ndata: " + b"x" * 480 + END_OF_EVENT + b"\n\n"
START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream")],
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=5_000)
    arguments.add_argument("--serve", choices=["bare", "ours"], help=argparse.SUPPRESS)
    arguments.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    clients = min(options.clients, _files() // 2 - 200)
    if options.serve:
        _serve(options.serve, options.port)
        return
    table = Table("", "to the last of all, median", "worst", "memory each", "connected in")
    found = uvloop.run(_measure(clients))
    for kind, (taken, memory, connecting) in found.items():
        median, worst = f"{statistics.median(taken) * 1000:.0f} ms", f"{max(taken) * 1000:.0f} ms"
        table.add_row(kind, median, worst, f"{memory / 1024:.1f} KiB", f"{connecting:.1f} s")
    ratio = statistics.median(found["ours"][0]) / statistics.median(found["bare"][0])
    table.add_row("ours / bare", f"{ratio:.2f}", "", f"{found['ours'][1] / found['bare'][1]:.2f}", "")
    Console().print(f"{clients:,} listeners, {ROUNDS} events", table)


def _files() -> int:
    """How many files this process may have open; as many as the system lets it ask for."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


async def _measure(clients: int) -> dict[str, tuple[list[float], float, float]]:
    """Seconds from the event to the last client, for each round; bytes for each client; seconds to connect all."""
    async with _crowded("bare", clients) as bare, _crowded("ours", clients) as ours:
        crowds = {"bare": bare, "ours": ours}
        taken: dict[str, list[float]] = {kind: [] for kind in crowds}
        for _ in range(ROUNDS):
            for kind, crowd in crowds.items():
                taken[kind].append(await crowd.time_of_an_event())
    return {kind: (taken[kind][1:], crowd.memory, crowd.connecting) for kind, crowd in crowds.items()}


@asynccontextmanager
async def _crowded(kind: str, clients: int) -> AsyncIterator["_Crowd"]:
    async with _serving(kind) as (port, pid, tell):
        before = _resident(pid)
        started = time.perf_counter()
        crowd = _Crowd(clients, tell)
        await crowd.connect(port)
        crowd.connecting = time.perf_counter() - started
        await asyncio.sleep(2)
        crowd.memory = (_resident(pid) - before) / clients
        yield crowd
        crowd.leave()
        await asyncio.sleep(1)


class _Crowd:
    """Clients that only count the events that they were sent."""

    def __init__(self, clients: int, tell: Callable[[], float]) -> None:
        self._clients = clients
        self._tell = tell
        self.memory = self.connecting = 0.0
        self._transports: list[asyncio.BaseTransport] = []
        self.ready = self.told = 0
        self.all_told: asyncio.Future[float]

    async def connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        for start in range(0, self._clients, 100):
            count = min(100, self._clients - start)
            made = [loop.create_connection(lambda: _Client(self), "127.0.0.1", port) for _ in range(count)]
            self._transports += [transport for transport, _ in await asyncio.gather(*made)]
            while self.ready < start + count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def time_of_an_event(self) -> float:
        self.told = 0
        self.all_told = asyncio.get_running_loop().create_future()
        moment = await asyncio.to_thread(self._tell)
        last = await asyncio.wait_for(self.all_told, 60)
        await asyncio.sleep(0.3)
        return float(last - moment)

    def count(self) -> None:
        self.told += 1
        if self.told == self._clients:
            self.all_told.set_result(time.perf_counter())

    def leave(self) -> None:
        for transport in self._transports:
            transport.close()


class _Client(asyncio.Protocol):
    def __init__(self, crowd: _Crowd) -> None:
        self._crowd = crowd
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(f"GET {STREAM} HTTP/1.1\r\nHost: x\r\n\r\n".encode())  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if not self._greeted and b"retry:" in data:
            self._greeted = True
            self._crowd.ready += 1
        if END_OF_EVENT in data:
            self._crowd.count()


@asynccontextmanager
async def _serving(kind: str) -> AsyncIterator[tuple[int, int, Callable[[], float]]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(_env_file=None, data_dir=Path(folder))
        database = open_database(settings)
        migrate(database)
        command = [sys.executable, "-m", "tests.benchmarks.stream", "--serve", kind, "--port", str(port)]
        environment = {**os.environ, "DEMANDS_DATA_DIR": folder}
        process = subprocess.Popen(command, env=environment)  # noqa: ASYNC220
        try:
            while not _answers(port):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

            with httpx.Client(timeout=60, trust_env=False) as client:

                def tell() -> float:
                    """The moment at which the event was there to be told."""
                    return float(json.loads(client.post(f"http://127.0.0.1:{port}/tell").text))

                yield port, process.pid, tell
        finally:
            process.terminate()
            process.wait(20)
            database.dispose()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _resident(pid: int) -> int:
    """Bytes, from Linux's own account (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def _serve(kind: str, port: int) -> None:
    app = _Bare() if kind == "bare" else _Ours()
    gc.freeze()  # as `demands serve` does
    options = {"access_log": False, "log_level": "error", "backlog": 2048, "timeout_graceful_shutdown": 1}
    config = uvicorn.Config(app, port=port, http="httptools", **options)  # type: ignore[arg-type]
    uvicorn.Server(config).run()


class _Bare:
    """What ASGI allows at best: one loop that hands the same bytes to everyone."""

    def __init__(self) -> None:
        self._sends: list[Send] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        await send(START)
        if scope["path"] == "/tell":
            moment = time.perf_counter()
            for each in self._sends:
                await each({"type": "http.response.body", "body": EVENT, "more_body": True})
            await send({"type": "http.response.body", "body": str(moment).encode()})
            return
        await send({"type": "http.response.body", "body": b"retry: 1\n\n", "more_body": True})
        self._sends.append(send)
        while (await receive())["type"] != "http.disconnect":
            pass


class _Ours:
    """The whole application; the event is committed in a thread, as a route does it."""

    def __init__(self) -> None:
        self._app = create_app(Settings())
        self._moment = 0.0
        self._app.state.database.after_commit.insert(0, self._note_the_moment)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/tell":
            await self._app(scope, receive, send)
            return
        moment = await asyncio.to_thread(self._tell)
        await send(START)
        await send({"type": "http.response.body", "body": str(moment).encode()})

    def _tell(self) -> float:
        about = ledger.About(keys=["kind:x"])
        data = {"label": {"en": "x" * 150 + END_OF_EVENT.decode()}}
        with self._app.state.database.write() as session:
            ledger.record(session, system("tests"), "kind.revised", about, audience=Audience.PUBLIC, kind=data)
        return self._moment

    def _note_the_moment(self) -> None:
        self._moment = time.perf_counter()


if __name__ == "__main__":
    main()
