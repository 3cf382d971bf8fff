"""One attempt: a signed POST, from the lookup of the name to the last byte, within one deadline.

httpx speaks through aiohttp's connections, because its own pool slows down with the number of hosts. Its client is left
out: what it adds to the transport (cookies, redirects, proxies, a log of every URL) is what must not happen here.
"""

import asyncio
import errno
import http
import os
import ssl
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from app import clock
from app.webhooks.addresses import AddressPolicy
from app.webhooks.answers import BODY_LIMIT_BYTES, Answer, Failure, retry_after_seconds
from app.webhooks.connections import (
    FLOOD_BYTES,
    BlockedAddress,
    Connector,
    Exchange,
    PlainHttp,
    WordlessResponse,
    certainly,
    current_exchange,
)
from app.webhooks.headers import FRAMING, shown
from app.webhooks.names import Lookup, Names, NoPlace, ResolverDown, system_lookup

LONGEST_HEADER_BYTES, MOST_HEADERS = 8190, 128
_KEPT_HEADERS = {
    "allow",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "location",
    "retry-after",
    "server",
    "via",
    "x-request-id",
}
_LONGEST_TEXT = 500
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
_OUT_OF_MEANS = {  # ours, not theirs
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.EADDRNOTAVAIL,
    errno.ENETDOWN,
    errno.ENETUNREACH,
}


_Reason = tuple[Failure, str]


@dataclass
class _Response:
    """What has come so far."""

    status: int | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""


class Sender:
    """Holds the connections of one event loop; `async with` opens and closes them."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        lookup: Lookup = system_lookup,
        names: Names | None = None,
        tls: ssl.SSLContext | None = None,
        user_agent: str = "Demand-Tracker",
        connection_life_seconds: float = 60.0,
    ) -> None:
        self._policy = policy
        self._lookup = lookup
        self._shared_names = names  # who shares them, closes them
        self._tls = tls or trusted_authorities()
        self._headers = {
            "accept": "*/*",
            "accept-encoding": "identity",
            "connection": "keep-alive",
            "content-type": "application/json",
            "user-agent": user_agent,
        }
        self._connection_life_seconds = connection_life_seconds

    async def __aenter__(self) -> Self:
        self._names = self._shared_names or Names(self._lookup)
        connector = Connector(self._policy, self._names, self._tls, self._connection_life_seconds)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=BODY_LIMIT_BYTES,
            max_line_size=LONGEST_HEADER_BYTES,
            max_field_size=LONGEST_HEADER_BYTES,
            max_headers=MOST_HEADERS,
            response_class=WordlessResponse,
        )
        self._transport = AiohttpTransport(verify=self._tls, trust_env=False, client=session)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()
        if self._names is not self._shared_names:
            self._names.close()

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float = 15.0,
        party: Hashable = None,
        may_go: Callable[[], Awaitable[bool]] = certainly,
    ) -> Answer:
        """Never raises because of the network, the URL or the other side; see `answers.Failure`.

        No party takes the means that others need, where they run short. `may_go` is asked when there is a connection;
        where it says no, nothing is sent: raises Overtaken.
        """
        began = monotonic()
        exchange, response, failure = Exchange(may_go, party), _Response(), None
        try:
            async with asyncio.timeout(timeout_seconds):
                try:
                    await self._try(exchange, response, url, headers, body)
                except (httpx.HTTPError, aiohttp.ClientError, OSError):
                    if not exchange.died_unheard:
                        raise
                    exchange = Exchange(may_go, party, fresh=True)  # the other side had hung up: no failure yet
                    await self._try(exchange, response, url, headers, body)
        except TimeoutError:
            failure = self._timed_out(exchange, timeout_seconds)
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as error:
            failure = _reason(error, exchange)
        return _answer(exchange, response, failure, monotonic() - began)

    async def _try(
        self, exchange: Exchange, into: _Response, url: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        current_exchange.set(exchange)
        request = httpx.Request("POST", url, headers=self._headers | _allowed(headers), content=body)
        exchange.request_headers = shown(request.headers)
        if request.url.scheme not in {"http", "https"}:
            raise httpx.UnsupportedProtocol("the URL does not begin with https://")
        exchange.plain = request.url.scheme == "http"
        response = await self._transport.handle_async_request(request)
        exchange.doing = "reading the answer"
        into.status, into.headers = response.status_code, response.headers
        try:
            async for chunk in response.aiter_raw():  # raw: nothing is ever decompressed
                into.body += chunk
                if len(into.body) > BODY_LIMIT_BYTES:
                    break  # and the connection, with the rest on its way, is dropped
        finally:
            into.body = into.body[:BODY_LIMIT_BYTES]
            await response.aclose()

    def _timed_out(self, exchange: Exchange, timeout_seconds: float) -> _Reason:
        name = Failure.TIMEOUT
        if exchange.doing == Exchange.doing:  # still the first thing to do
            name = self._why_not_found(exchange.host)
        return name, f"No complete answer within {timeout_seconds:g} s; the time ran out while {exchange.doing}."

    def _why_not_found(self, host: str) -> Failure:
        if not self._names.answered_lately:
            return Failure.RESOLVER_DOWN
        return Failure.DNS if self._names.is_looking_up(host) else Failure.LOCAL


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Mozilla's list and this machine's own, where an operator may have added one. Read once: it takes a while."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _allowed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in FRAMING}


def _answer(exchange: Exchange, response: _Response, failure: _Reason | None, seconds: float) -> Answer:
    error, detail = failure or _meaning(response)
    return Answer(
        status=response.status,
        error=error,
        detail=detail,
        duration_ms=round(seconds * 1000),
        remote_address=exchange.remote_address,
        request_headers=exchange.request_headers,
        response_headers={name: _short(value) for name, value in response.headers.items() if name in _KEPT_HEADERS},
        response_body=response.body,
        retry_after_seconds=retry_after_seconds(response.headers.get("retry-after"), clock.now()),
    )


def _meaning(response: _Response) -> tuple[Failure | None, str]:
    """Of an answer that came complete."""
    status = response.status or 0
    if 300 <= status < 400:
        to = _short(response.headers.get("location", "nowhere"))
        return Failure.REDIRECT, f"{status} leads to {to}. Redirects are not followed: change the URL of the webhook."
    if not 200 <= status < 600:
        return Failure.PROTOCOL, f"{status} is not an answer to a POST."
    return None, f"{status} {_PHRASES.get(status, '')}".strip()


def _reason(error: Exception, exchange: Exchange) -> _Reason:
    """aiohttp's errors say what happened; httpx's, which wrap them here, do not."""
    if exchange.wire is not None and exchange.wire.flooded:
        return Failure.PROTOCOL, f"More than {FLOOD_BYTES // 1024} KiB came that are no answer."
    match error.__cause__ if isinstance(error, httpx.HTTPError) and error.__cause__ else error:
        case aiohttp.ClientConnectorError(os_error=PlainHttp()) as cause:
            return Failure.BLOCKED_ADDRESS, f"Address not allowed over plain http: {cause.host}. Use https."
        case aiohttp.ClientConnectorError(os_error=BlockedAddress()) as cause:
            return Failure.BLOCKED_ADDRESS, f"Address not allowed: {cause.host}."
        case aiohttp.ClientConnectorError(os_error=ResolverDown()):
            return Failure.RESOLVER_DOWN, "Our name resolver does not answer."
        case aiohttp.ClientConnectorError(os_error=NoPlace()) as cause:
            return Failure.LOCAL, f"{cause.host} was not looked up: too many other names wait for an answer."
        case aiohttp.ClientConnectorError(os_error=cause) if cause.errno in _OUT_OF_MEANS:
            return Failure.LOCAL, f"No connection: {_of_system(cause)}."
        case aiohttp.ClientConnectorDNSError() as cause:
            return Failure.DNS, f"{cause.host}: {cause.os_error}."
        case aiohttp.ClientConnectorCertificateError() as cause:
            return Failure.TLS, f"The certificate is not valid for {cause.host}: {_of_tls(cause.certificate_error)}."
        case aiohttp.ClientConnectorSSLError(os_error=cause) | (ssl.SSLError() as cause):
            return Failure.TLS, f"No TLS connection: {_of_tls(cause)}."
        case aiohttp.ClientConnectorError(os_error=cause):
            return Failure.CONNECT, f"No connection: {_of_system(cause)}."
        case aiohttp.ClientResponseError(message=message) if message.startswith("Got more than"):
            return Failure.PROTOCOL, f"A header of the answer is longer than {LONGEST_HEADER_BYTES:,} bytes."
        case aiohttp.ClientResponseError(message="Too many headers received"):
            return Failure.PROTOCOL, f"The answer has more than {MOST_HEADERS} headers."
        case aiohttp.ClientResponseError(message=message):
            return Failure.PROTOCOL, f"The answer is not HTTP: {_short(message)}"
        case aiohttp.ClientPayloadError() if exchange.wire is not None and exchange.wire.garbled:
            return Failure.PROTOCOL, "The answer's body is not as its head says."
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
            return Failure.RESET, f"The connection was closed while {exchange.doing}."
        case OSError() as cause:
            return Failure.RESET, f"The connection broke while {exchange.doing}: {_of_system(cause)}."
        case cause:
            return Failure.REQUEST, f"This cannot be sent: {_short(str(cause))}"


def _of_tls(error: BaseException) -> str:
    said = getattr(error, "verify_message", None) or getattr(error, "reason", None) or type(error).__name__
    return "the port answers, but not with TLS (is it plain http?)" if said == "WRONG_VERSION_NUMBER" else said


def _of_system(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else _short(str(error))


def _short(text: str) -> str:
    return " ".join(text.replace("\0", "").split())[:_LONGEST_TEXT]
