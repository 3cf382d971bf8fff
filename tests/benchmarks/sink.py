"""A partner's endpoint that costs next to nothing, in a process of its own: it notes when which message came."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import httpx
import uvloop

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Sink:
    """As seen from the process that measures."""

    def __init__(self, port: int) -> None:
        self._port = port
        # kept: each new one leaves garbage that takes milliseconds to collect, in whatever thread is at work then
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)

    def url(self, number: int, path: str = "/hook") -> str:
        """Every number is a host of its own, as partners are."""
        return f"http://127.{1 + number // 65025}.{number // 255 % 255}.{1 + number % 255}:{self._port}{path}?{number}"

    def close(self) -> None:
        self._client.close()

    def received(self) -> list[tuple[float, str, str]]:
        """When, where and when that had happened, since the last time that this was asked for."""
        return [(moment, path, timestamp) for moment, path, timestamp in self._client.get("/received").json()]

    def wait_for(self, count: int, seconds: float = 120) -> list[tuple[float, str, str]]:
        found: list[tuple[float, str, str]] = []
        until = time.monotonic() + seconds
        while len(found) < count and time.monotonic() < until:
            time.sleep(0.05)
            found += self.received()
        return found


@contextmanager
def open_sink() -> Iterator[Sink]:
    process = subprocess.Popen([sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        sink = Sink(int(process.stdout.readline()))
        yield sink
        sink.close()
        process.terminate()


class _Talk(asyncio.Protocol):
    """`/hang` is never answered, `/received` tells, everything else is accepted."""

    arrivals: list[tuple[float, str, str]] = []  # of all connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            head = self._pending[:end].decode("latin-1")
            _, found, length = head.lower().partition("content-length:")
            size = int(length.split("\r\n", 1)[0]) if found else 0
            if len(self._pending) < end + 4 + size:
                return
            body, self._pending = self._pending[end + 4 : end + 4 + size], self._pending[end + 4 + size :]
            self._answer(head.split(" ", 2)[1], body)

    def _answer(self, path: str, body: bytes) -> None:
        if path == "/received":
            told = json.dumps(self.arrivals).encode()
            self.arrivals.clear()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
        elif not path.startswith("/hang"):
            timestamp = body.partition(b'"timestamp":"')[2][:27].decode()
            self.arrivals.append((time.time(), path, timestamp))
            self._transport.write(NO_CONTENT)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Talk, "0.0.0.0", 0, backlog=4096)  # noqa: S104
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_serve())
