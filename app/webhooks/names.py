"""Names to addresses, by the system's resolver: a deadline, a short memory, one lookup per name at a time.

A name whose servers are silent keeps a place until the resolver gives up, however long nobody waits for it any more. So
nobody may have more places than are left: whoever takes many leaves as many to the others.
"""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic

Address = IPv4Address | IPv6Address
Lookup = Callable[[str], Sequence[Address]]
"""Blocks, and raises `socket.gaierror` as `socket.getaddrinfo` does."""

DEADLINE_SECONDS = 5.0
_REMEMBER_ADDRESSES_SECONDS = 30.0
_REMEMBER_FAILURE_SECONDS = 5.0
_REMEMBER_NAMES = 10_000
_SIGN_OF_LIFE_SECONDS = 60.0
_LOOKUPS_AT_ONCE = 200  # each holds a thread until the resolver gives up
_ANSWERS_FOR_SURE = "a.root-servers.net"  # asked only when nothing else has been answered of late
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class UnknownName(OSError):
    """The name has no address; somebody who must know has said so."""


class LookupFailed(OSError):
    """The name's own servers do not answer, while the resolver answers for other names."""


class NoPlace(LookupFailed):
    """The fault is ours: as many names as may be looked up at once wait for their servers."""


class ResolverDown(LookupFailed):
    """The fault is ours: the resolver answers for no name at all, or we have no means to ask it."""


def system_lookup(host: str) -> Sequence[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from error
    return list(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))


class Names:
    """The lookups of one event loop."""

    def __init__(
        self,
        lookup: Lookup = system_lookup,
        deadline_seconds: float = DEADLINE_SECONDS,
        places: int = _LOOKUPS_AT_ONCE,
    ) -> None:
        self._lookup = lookup
        self._deadline_seconds = deadline_seconds
        self._places = places
        self._taken: Counter[Hashable] = Counter()  # by each party
        self._place_left = asyncio.Event()
        self._under_way: dict[str, asyncio.Future[Sequence[Address]]] = {}
        self._remembered: dict[str, tuple[float, Sequence[Address] | OSError]] = {}
        self._last_answer = -_SIGN_OF_LIFE_SECONDS

    async def addresses(self, host: str, party: Hashable = None) -> Sequence[Address]:
        """Of the places there are, the party that asks has its share.

        Raises UnknownName, LookupFailed, NoPlace or ResolverDown.
        """
        try:
            await self._wait_for_a_place(host, party)
            return await self._ask(host, party)
        except LookupFailed:
            if await self._resolver_answers():
                raise
            raise ResolverDown("our name resolver does not answer") from None

    @property
    def answered_lately(self) -> bool:
        return monotonic() - self._last_answer < _SIGN_OF_LIFE_SECONDS

    def is_looking_up(self, host: str) -> bool:
        return host in self._under_way

    def close(self) -> None:
        for lookup in self._under_way.values():
            lookup.cancel()

    async def _wait_for_a_place(self, host: str, party: Hashable) -> None:
        try:
            async with asyncio.timeout(self._deadline_seconds):
                while self._must_wait(host, party):
                    await self._place_left.wait()
        except TimeoutError:
            raise NoPlace(f"{len(self._under_way)} names wait for their servers") from None

    def _must_wait(self, host: str, party: Hashable) -> bool:
        if host in self._under_way or self._recall(host) is not None:
            return False
        return self._taken[party] >= self._places - len(self._under_way)

    async def _ask(self, host: str, party: Hashable = None) -> Sequence[Address]:
        remembered = self._recall(host)
        if isinstance(remembered, OSError):
            raise type(remembered)(*remembered.args)  # a new one: a raised one collects the frames it passes
        if remembered is not None:
            return remembered
        if host not in self._under_way:
            self._begin(host, party)
        try:
            # shielded: others may be waiting for the same name, and a later attempt will be glad of a late answer
            return await asyncio.wait_for(asyncio.shield(self._under_way[host]), self._deadline_seconds)
        except TimeoutError:
            raise LookupFailed(f"no answer within {self._deadline_seconds:g} s") from None
        except socket.gaierror as error:
            raise _translated(error) from None

    async def _resolver_answers(self) -> bool:
        if not self.answered_lately:
            try:
                await self._ask(_ANSWERS_FOR_SURE)
            except UnknownName:
                return True  # an answer too: a network of its own, without the internet's names
            except LookupFailed:
                return False
        return True

    def _begin(self, host: str, party: Hashable) -> None:
        pending = asyncio.wrap_future(_start(self._lookup, host))
        self._under_way[host] = pending
        self._taken[party] += 1
        pending.add_done_callback(lambda done: self._note(host, party, done))

    def _note(self, host: str, party: Hashable, done: "asyncio.Future[Sequence[Address]]") -> None:
        self._under_way.pop(host, None)
        self._leave_place(party)
        if done.cancelled():
            return
        error = done.exception()
        failure = _translated(error) if isinstance(error, socket.gaierror) else error
        if isinstance(failure, UnknownName | LookupFailed):
            self._remember(host, failure, _REMEMBER_FAILURE_SECONDS)
        elif failure is None:
            self._remember(host, done.result(), _REMEMBER_ADDRESSES_SECONDS)
        if failure is None or isinstance(failure, UnknownName):
            self._last_answer = monotonic()

    def _leave_place(self, party: Hashable) -> None:
        self._taken[party] -= 1
        if not self._taken[party]:
            del self._taken[party]
        self._place_left.set()
        self._place_left = asyncio.Event()

    def _remember(self, host: str, found: Sequence[Address] | OSError, seconds: float) -> None:
        self._remembered.pop(host, None)
        self._remembered[host] = (monotonic() + seconds, found)
        if len(self._remembered) > _REMEMBER_NAMES:
            self._remembered.pop(next(iter(self._remembered)))

    def _recall(self, host: str) -> Sequence[Address] | OSError | None:
        until, found = self._remembered.get(host, (0.0, None))
        return found if monotonic() < until else None


def _start(lookup: Lookup, host: str) -> "Future[Sequence[Address]]":
    """In a daemon thread of its own: a lookup cannot be interrupted, and an executor's threads hold up the exit."""
    answer: Future[Sequence[Address]] = Future()

    def run() -> None:
        answer.set_running_or_notify_cancel()  # from here on it cannot be cancelled, so that the result finds its place
        try:
            answer.set_result(lookup(host))
        except Exception as error:  # noqa: BLE001  # handed to whoever waits
            answer.set_exception(error)

    try:
        threading.Thread(target=run, name=f"lookup of {host}", daemon=True).start()
    except RuntimeError as error:
        raise ResolverDown(str(error)) from None  # no more threads
    return answer


def _translated(error: socket.gaierror) -> UnknownName | LookupFailed:
    if error.errno in _NO_SUCH_NAME:
        return UnknownName("no such name, or no address for it")
    return LookupFailed(error.strerror or "the lookup failed")
