"""A partner's endpoint on a real socket, well-behaved or not: `receiver.url("/gigabyte")` answers with a gigabyte.

A path of three digits is answered with that status; the other behaviours stand below. `receiver.script("/hook", "500",
"reset", "204")` gives a path one behaviour after the other, of which the last one stays.
"""

import asyncio
import gzip
import itertools
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

DRIP_SECONDS = 0.02


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)
    connection: int  # which connection it came on, counted from 1
    turn: int  # which request on that connection, counted from 1


class Receiver:
    def __init__(self, tls: ssl.SSLContext | None = None, name: str = "127.0.0.1") -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._tls = tls
        self._name = name
        self._scripts: dict[str, list[str]] = {}
        self._arrival = threading.Condition()
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="receiver")
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def url(self, path: str = "/204") -> str:
        return f"{'https' if self._tls else 'http'}://{self._name}:{self.port}{path}"

    def script(self, path: str, *behaviours: str) -> str:
        """Gives the URL."""
        self._scripts[path] = list(behaviours)
        return self.url(path)

    def wait_for(self, count: int, seconds: float = 10.0) -> list[Received]:
        """The requests so far, as soon as there are `count`."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= count, seconds):
                raise AssertionError(f"{len(self.requests)} of {count} requests came: {self.requests}")
            return list(self.requests)

    def say(self, status: int) -> None:
        """Answer the latest request that waits for a word."""
        self._loop.call_soon_threadsafe(lambda: _waiting.pop().write(answer(status)))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls, backlog=1024)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        # asyncio forgets to close what it is accepting while the server closes
        while len(asyncio.all_tasks()) > 1 + len(self._talks):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        server.close()
        for talk, writer in self._talks.items():
            talk.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = asyncio.create_task(self._talk(reader, writer, self.connections))
        self._talks[talk] = writer
        talk.add_done_callback(self._talks.pop)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        try:
            for turn in itertools.count(1):
                request = await self._read(reader, connection, turn)
                await self._behave(request, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # they hung up
        finally:
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader, connection: int, turn: int) -> Received:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = request_line.split(" ")
        return Received(method, path, headers, body, connection, turn)

    async def _behave(self, request: Received, writer: asyncio.StreamWriter) -> None:
        script = self._scripts.get(request.path)
        name = urlsplit(request.path).path.strip("/")
        if script:
            name = script.pop(0) if len(script) > 1 else script[0]
        with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()
        if name.isdigit():
            writer.write(answer(int(name)))
        else:
            await BEHAVIOURS[name](request, writer)


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *headers]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    BEHAVIOURS[function.__name__.replace("_", "-")] = function
    return function


def writes(name: str, data: bytes) -> None:
    async def write(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    BEHAVIOURS[name] = write


def writes_for_ever(name: str, start: bytes, again: bytes, pause: float = 0.0) -> None:
    async def write(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause)

    BEHAVIOURS[name] = write


def writes_and_ends(name: str, data: bytes, *, rudely: bool) -> None:
    async def write(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        end(writer, rudely=rudely)

    BEHAVIOURS[name] = write


def when_kept(name: str, data: bytes = b"", *, rudely: bool = False) -> None:
    """Answers the first request on a connection; to the next it writes this, and ends."""

    async def write(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(204) if request.turn == 1 else data)
        await writer.drain()
        if request.turn > 1:
            end(writer, rudely=rudely)

    BEHAVIOURS[name] = write


def end(writer: asyncio.StreamWriter, *, rudely: bool) -> None:
    if rudely:  # RST instead of FIN
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionAbortedError


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"

writes("hello", answer(200, b"Hello"))
writes("redirect", answer(302, b"", "Location: http://169.254.169.254/latest/meta-data/"))
writes("redirect-to-itself", answer(307, b"", "Location: /204"))
writes("odd-redirect", b"HTTP/1.1 302 Found\r\nLocation: /\xff\xf0\x9f\r\nServer: \xe9\r\nContent-Length: 0\r\n\r\n")
writes("busy", answer(429, b"", "Retry-After: 120"))
writes("busy-until", answer(503, b"", "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT"))
writes("cookie", answer(200, b"", "Set-Cookie: session=1; Path=/"))
writes("nul", answer(200, b"a\0b\xff\xf0\x9f\xa6\x8a"))
writes("eight-kibibytes", answer(200, b"x" * 8192))
writes("switch", answer(101, b"", "Upgrade: chess", "Connection: upgrade"))
writes("odd-reason", "HTTP/1.1 200 Accepté\r\nContent-Length: 0\r\n\r\n".encode("latin-1"))
writes("no-content-and-more", answer(204) + b"ok")
writes("no-content-in-chunks", answer(204, b"", "Transfer-Encoding: chunked") + b"0\r\n\r\n")
writes("a-byte-too-many", answer(200, b"Hello") + b"!")
writes("a-byte-after-the-last", answer(200, b"Hello", "Connection: close") + b"!")
writes("gone-and-more", answer(410, b"Gone") + b"!")
writes("hints-and-more", b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(200, b"Hello") + b"!")
writes("early-hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + answer(204))
writes("bad-chunking", CHUNKED + b"5\r\nhello\r\nzzz\r\nworld\r\n")
writes("bad-length", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")
writes("not-http", b"220 mail.example ESMTP ready\r\n")
writes("long-header", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
writes("many-headers", answer(200, b"", *("X-More: and more" for _ in range(3_000))))
writes("gzip-bomb", answer(200, gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip"))
writes_for_ever("gigabyte", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", b"x" * 65536)
writes_for_ever("endless-chunks", CHUNKED, b"1;" + b"e" * 60_000 + b"\r\nx\r\n")
writes_for_ever("endless-headers", b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 100)
writes_for_ever("endless-header", b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536)
writes_for_ever("endless-hints", b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
writes_for_ever("slow-head", b"HTTP/1.1 200 OK\r\nX: ", b"x", DRIP_SECONDS)
writes_for_ever("slow-body", CHUNKED, b"1\r\nx\r\n", DRIP_SECONDS)
writes_and_ends("close", b"", rudely=False)
writes_and_ends("close-in-head", b"HTTP/1.1 20", rudely=False)
writes_and_ends("close-in-body", HALF, rudely=False)
writes_and_ends("close-ends-body", b"HTTP/1.1 200 OK\r\n\r\nuntil the end", rudely=False)
writes_and_ends("reset", b"", rudely=True)
writes_and_ends("reset-in-body", HALF, rudely=True)
writes_and_ends("reset-after-body", answer(200, b"all of it"), rudely=True)
when_kept("dies-when-kept")
when_kept("resets-when-kept", rudely=True)
when_kept("mumbles-when-kept", b"HTTP/1.1 2")
when_kept("has-more-to-say-when-kept", b"ok" + answer(204))  # as one does that sends a body after a 204, a moment later


@behaviour
async def bad_chunking_later(request: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(CHUNKED + b"5\r\nhello\r\n")
    await writer.drain()
    await asyncio.sleep(DRIP_SECONDS)
    writer.write(b"zzz\r\nworld\r\n")


@behaviour
async def echo(request: Received, writer: asyncio.StreamWriter) -> None:
    """Proves whose endpoint it is."""
    writer.write(answer(200, json.loads(request.body)["data"].get("challenge", "").encode()))


@behaviour
async def echo_json(request: Received, writer: asyncio.StreamWriter) -> None:
    challenge = json.loads(request.body)["data"]["challenge"]
    writer.write(answer(200, json.dumps({"challenge": challenge}).encode()))


@behaviour
async def echo_whole(request: Received, writer: asyncio.StreamWriter) -> None:
    """As an endpoint does that returns whatever it is sent."""
    writer.write(answer(200, request.body))


@behaviour
async def hang(request: Received, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@behaviour
async def takes_its_time(request: Received, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(DRIP_SECONDS)
    writer.write(answer(204))


_waiting: list[asyncio.StreamWriter] = []


@behaviour
async def waits_for_a_word(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answers when `say` is called."""
    _waiting.append(writer)


_promptable: list[asyncio.StreamWriter] = []


@behaviour
async def promptable(request: Received, writer: asyncio.StreamWriter) -> None:
    _promptable.append(writer)
    writer.write(answer(200))


@behaviour
async def prompt(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answers once more, unasked, on the connection of the latest request for `promptable`; then this request."""
    _promptable.pop().write(answer(410))
    writer.write(answer(204))


@behaviour
async def a_blank_line_in_two(request: Received, writer: asyncio.StreamWriter) -> None:
    head, _, more = answer(204).partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r")
    await writer.drain()
    await asyncio.sleep(DRIP_SECONDS)
    writer.write(b"\n" + more + b"ok")
