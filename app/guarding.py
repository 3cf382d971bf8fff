"""What no request may carry, and what every answer has. Pure ASGI, ahead of everything else."""

import contextlib

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import Malformed, Problem, TooLarge


class Guard:
    """Refuses a body over the limit and NUL characters in the address; tells caches what they may keep."""

    def __init__(self, app: ASGIApp, body_limit_bytes: int) -> None:
        self._app = app
        self._limit = body_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _with_headers(scope, send)
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        problem = self._refusal(scope)
        if problem:
            await problem.response()(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        address = scope.get("raw_path") or b""
        if b"%00" in address + scope["query_string"] or b"\x00" in address:
            return Malformed("The address has a NUL character in it.")
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        return self._too_large() if length.isdigit() and int(length) > self._limit else None

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A body without a declared length is counted as it comes; past the limit, its reader's answer is not sent."""
        seen = 0
        begun = False

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise self._too_large()
            return message

        async def send_within(message: Message) -> None:
            nonlocal begun
            if begun or seen <= self._limit:
                begun = True
                await send(message)

        with contextlib.suppress(TooLarge):
            await self._app(scope, receive_counted, send_within)
        if seen > self._limit and not begun:
            await self._too_large().response()(scope, receive, send)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A request body may have {self._limit} bytes at most.", limit_bytes=self._limit)


def _without_body(send: Send) -> Send:
    """HEAD is answered as GET is, but for the body (RFC 9110, section 9.3.2)."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


def _with_headers(scope: Scope, send: Send) -> Send:
    """An answer depends on who asks and is asked for anew; what a write answers, maybe a secret, is kept nowhere."""
    keeping = "no-cache" if scope["method"] in ("GET", "HEAD") else "no-store"

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", keeping)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.add_vary_header("Authorization")
            headers.add_vary_header("Accept")
        await send(message)

    return send_with_headers
