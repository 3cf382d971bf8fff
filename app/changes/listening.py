"""One listener of the live stream: what waits to be sent to it, as a raw ASGI answer that costs little to keep open."""

import asyncio
import random
import time
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.secrets import KeyText
from app.fields import Audience
from app.ledger.selecting import Selection

MOST_WAITING = 256  # events that wait for one slow reader; more end its stream, and it comes back for them
RETRY_MILLISECONDS = (2_000, 8_000)  # spread, so that all who lost a server do not come back in one moment
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"Authorization"),
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events until it has a page of them
]
START: Message = {"type": "http.response.start", "status": 200, "headers": HEADERS}
_NO_LINE_ENDS = str.maketrans({end: f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"})
HANDED_OVER = "demands.handed_over"


class Listener:
    """Who listens, from which entry on, to what."""

    __slots__ = (
        "_count",
        "_farewell",
        "_idle",
        "_pending",
        "_send",
        "_unsent",
        "circle",
        "cursor",
        "from_now_on",
        "joined",
        "key",
        "quiet_since",
        "wanted",
    )

    def __init__(self, circle: Audience, wanted: Selection, key: KeyText | None, cursor: str | None) -> None:
        self.circle = circle
        self.wanted = wanted
        self.key = key  # asked again and again whether it is still good
        self.cursor = cursor or ""  # of the last entry that was handed over
        self.from_now_on = cursor is None
        self.joined = 0  # entries up to here it has from the backlog
        self.quiet_since = 0.0
        self._pending: list[tuple[bytes, str]] = []
        self._count = 0
        self._idle: asyncio.Future[None] | None = None  # while nothing waits to be sent
        self._send: Send | None = None
        self._unsent: Awaitable[None] | None = None
        self._farewell: bytes | None = None

    def offer(self, message: Message, count: int, cursor: str, now: float) -> None:
        """Have a body of `count` events sent, after which the listener is at `cursor`; never waits."""
        if self._farewell is not None:
            return
        if self._idle:
            self._send_at_once(message, cursor, now)
        elif self._count + count > MOST_WAITING:
            self._pending, self._count = [], 0
            self.end(reset("You read more slowly than things happen; go on from this event's id.", self.cursor))
        else:
            self._pending.append((message["body"], cursor))
            self._count += count

    def end(self, farewell: bytes = b"") -> None:
        """Let what waits be sent, then this, then nothing more."""
        if not self.is_over:
            self._farewell = farewell
        self._wake()

    @property
    def is_over(self) -> bool:
        return self._farewell is not None

    async def send_all(self, send: Send) -> None:
        """Until the end."""
        self._send = send
        while self._unsent or self._pending or not self.is_over:
            if self._unsent:
                unsent, self._unsent = self._unsent, None
                await unsent
            elif self._pending:
                chunk = b"".join(part for part, _ in self._pending)
                self.cursor = self._pending[-1][1]
                self._pending, self._count = [], 0
                self.quiet_since = time.monotonic()
                await send(body(chunk))
            else:
                self._idle = asyncio.get_running_loop().create_future()
                await self._idle
        await send({"type": "http.response.body", "body": self._farewell, "more_body": False})

    def _send_at_once(self, message: Message, cursor: str, now: float) -> None:
        """Without a turn of the event loop for each listener, which would double what an event costs.

        Only where the far end does not keep up is there something to wait for, which `send_all` does.
        """
        assert self._send
        self.cursor = cursor
        self.quiet_since = now
        steps = self._send(message).__await__()
        try:
            awaited = next(steps)
        except StopIteration:
            return
        except (OSError, RuntimeError):  # it has gone, which is no one else's trouble
            self.end()
            return
        self._unsent = _rest(awaited, steps)
        self._wake()

    def _wake(self) -> None:
        idle, self._idle = self._idle, None
        if idle and not idle.done():
            idle.set_result(None)


@types.coroutine
def _rest(awaited: Any, steps: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
    """The rest of a coroutine that was begun, from what it waits for on."""
    yield awaited
    yield from steps


class Listening(Response):
    """The answer to a listener; `serve` sends until there is an end to it."""

    def __init__(self, listener: Listener, serve: Callable[[Listener, Send], Awaitable[None]]) -> None:
        super().__init__(media_type="text/event-stream")
        self._listener = listener
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[HANDED_OVER].append(self)

    async def run(self, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(disconnected(receive))
        gone.add_done_callback(lambda _: self._listener.end())
        try:
            await send(START)
            await self._serve(self._listener, send)
        finally:
            gone.cancel()


class HandOver:
    """Serves a stream from outside of the application once a route has answered with one.

    What the framework keeps for a request while it is answered is more than all that a listener needs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope.get("path", "").endswith("/stream"):
            await self._app(scope, receive, send)
            return
        handed_over: list[Listening] = []
        await self._app({**scope, HANDED_OVER: handed_over}, receive, send)
        if handed_over and scope["method"] == "HEAD":
            await send(START)
            await send({"type": "http.response.body", "body": b""})
        elif handed_over:
            await handed_over.pop().run(receive, send)


def body(chunk: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": True}


def event(cursor: str, data: str) -> bytes:
    """Of JSON: what only some readers of lines take for the end of one is escaped."""
    return f"id: {cursor}\ndata: {data.translate(_NO_LINE_ENDS)}\n\n".encode()


def reset(why: str, cursor: str) -> bytes:
    """Tells why the stream ends; the id makes a browser go on from there."""
    return f'id: {cursor}\nevent: reset\ndata: {{"detail": "{why}", "after": "{cursor}"}}\n\n'.encode()


def comment(words: str) -> bytes:
    return f": {words}\n\n".encode()


def beat(cursor: str) -> bytes:
    """Nothing happened, up to here."""
    return f": still here\nid: {cursor}\n\n".encode()


def greeting(cursor: str) -> bytes:
    """Names the place at once: whoever is cut off before the first event comes back to it."""
    return f"retry: {random.randint(*RETRY_MILLISECONDS)}\nid: {cursor}\n\n".encode()  # noqa: S311  # no secret


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
