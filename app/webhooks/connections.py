"""Connections that lead only to permitted addresses.

Three of aiohttp's seams are used: the resolver and the socket factory, where every address is vetted just before it is
connected to (so a name cannot lead elsewhere by then, literals are vetted too, and TLS still checks the name), and the
protocol, which knows how old a connection is and what has come in on it.
"""

import asyncio
import functools
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from ipaddress import ip_address
from time import monotonic
from typing import cast

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from app.webhooks.addresses import AddressPolicy
from app.webhooks.names import Address, Names

FLOOD_BYTES = 128 * 1024  # no answer needs as much to show its first 8 KiB: these are headers or 1xx without end
_RECEIVE_BUFFER_BYTES = 16 * 1024  # of the kernel: leaves a gigabyte with the one who sends it
_IDLE_SECONDS = 30.0
_END_OF_HEAD = re.compile(rb"(?:^|\n)(?:\r?\n)++(?!HTTP/1\.[01] )")  # but for a 1xx that the next head follows


class BlockedAddress(OSError):
    """The host leads to an address that the policy does not permit."""


class PlainHttp(BlockedAddress):
    """The policy permits the address, but not over a connection that anybody may listen to."""


class Overtaken(Exception):
    """What was to be sent is not to be sent any more."""


class Wire(ResponseHandler):
    """One connection. Beware: its base class has a length, so that an idle one is false."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.born = monotonic()
        self.remote_address: str | None = None
        self.requests = 0
        self.received_bytes = 0  # since the latest request
        self.garbled = False

    @property
    def flooded(self) -> bool:
        return self.received_bytes > FLOOD_BYTES

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.remote_address = peer[0] if peer else None

    def data_received(self, data: bytes) -> None:
        self.received_bytes += len(data)
        if not self.flooded:
            self._parse(data)
            self._pass_on_an_error()
        elif self.transport is not None:
            self.transport.abort()

    def _parse(self, data: bytes) -> None:
        """Heads by themselves: aiohttp 3.14.5 throws one away that comes together with garbage."""
        begin = 0
        for end in (*(found.end() for found in _END_OF_HEAD.finditer(data)), len(data)):
            if begin < end and self.exception() is None:
                super().data_received(data[begin:end])
            begin = end

    def _pass_on_an_error(self) -> None:
        """aiohttp 3.14.5 does not tell whoever is reading a body that what came for it is garbage."""
        self.garbled = self.exception() is not None
        if self.garbled and self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError("garbage"))

    def close(self) -> None:
        """At once: a polite end of TLS waits half a minute for a peer that says nothing."""
        self.abort()


async def certainly() -> bool:
    return True


@dataclass
class Exchange:
    """One request on its way: what the caller wants of its connection, and learns about it."""

    may_go: Callable[[], Awaitable[bool]] = certainly  # asked when the connection stands, before anything is sent
    party: Hashable = None  # on whose account
    fresh: bool = False  # a kept connection will not do
    plain: bool = False  # without TLS
    doing: str = "looking up the host"
    host: str = ""  # as it is looked up
    request_headers: Mapping[str, str] = field(default_factory=dict)  # as they may be shown
    tried_address: str | None = None  # the last, whether or not a connection came about
    wire: Wire | None = None

    @property
    def remote_address(self) -> str | None:
        return self.wire.remote_address if self.wire is not None else self.tried_address

    @property
    def died_unheard(self) -> bool:
        """Whether it had a kept connection, on which nothing came back, or only what the answer before had too much."""
        if self.wire is None or self.wire.requests == 1:
            return False
        return self.wire.received_bytes == 0 or (self.wire.garbled and self.doing == "waiting for the answer")


current_exchange: ContextVar[Exchange] = ContextVar("current_exchange")


class Connector(aiohttp.TCPConnector):
    """Keeps connections alive, but none beyond `longest_life_seconds`: then its host is looked up and vetted again."""

    def __init__(self, policy: AddressPolicy, names: Names, tls: ssl.SSLContext, longest_life_seconds: float) -> None:
        super().__init__(
            limit=0,  # the caller bounds what is under way
            ssl=tls,
            resolver=_VettingResolver(policy, names),
            use_dns_cache=False,
            socket_factory=functools.partial(_vetted_socket, policy),
            keepalive_timeout=_IDLE_SECONDS,
        )
        make_wire: Callable[..., ResponseHandler] = Wire
        self._factory = functools.partial(make_wire, loop=self._loop)
        self._longest_life_seconds = longest_life_seconds

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        exchange = current_exchange.get()
        while True:
            connection = await super().connect(req, traces, timeout)
            wire = cast("Wire", connection.protocol)
            if wire.requests == 0 or (not exchange.fresh and self._may_be_kept(wire)):
                break
            connection.close()
        wire.requests += 1
        wire.received_bytes = 0
        exchange.wire = wire
        await self._be_allowed(exchange, connection)
        exchange.doing = "waiting for the answer"
        return connection

    async def _be_allowed(self, exchange: Exchange, connection: Connection) -> None:
        try:
            allowed = await exchange.may_go()
        except BaseException:
            connection.close()
            raise
        if not allowed:
            connection.release()
            raise Overtaken

    def _may_be_kept(self, wire: Wire) -> bool:
        # should_close: something came that nobody had asked for
        return monotonic() - wire.born < self._longest_life_seconds and not wire.should_close


class WordlessResponse(aiohttp.ClientResponse):
    """Its status is a number only: httpx's transport fails at words that are no UTF-8."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        await super().start(connection)
        self.reason = ""
        return self


class _VettingResolver(AbstractResolver):
    def __init__(self, policy: AddressPolicy, names: Names) -> None:
        self._policy = policy
        self._names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        exchange = current_exchange.get()
        exchange.host = host
        found = await self._names.addresses(host, exchange.party)
        for address in found:
            _vet(self._policy, address, host)
        return [
            ResolveResult(hostname=host, host=str(address), port=port, family=family, proto=0, flags=0)
            for address in found
        ]

    async def close(self) -> None:
        self._names.close()


def _vetted_socket(policy: AddressPolicy, addr_info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = addr_info
    exchange = current_exchange.get()
    exchange.doing = "connecting"
    _vet(policy, ip_address(address[0]), address[0])
    exchange.tried_address = address[0]
    vetted = socket.socket(family, kind, protocol)
    vetted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    return vetted


def _vet(policy: AddressPolicy, address: Address, host: str) -> None:
    if not policy.permits(address):
        raise BlockedAddress(host)
    if current_exchange.get().plain and not policy.permits_http(address):
        raise PlainHttp(host)
