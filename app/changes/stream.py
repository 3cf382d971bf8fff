"""The live stream: server-sent events, with one look at the ledger for all who listen in this process.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from pydantic import Field
from starlette.types import Message, Send

from app.accounts.actor import Actor
from app.accounts.audience import gate_of
from app.accounts.current import find_actor
from app.accounts.secrets import KeyText
from app.changes.filtering import EventFilter, selection
from app.changes.listening import Listener, Listening, beat, body, comment, event, greeting, reset
from app.changes.waiting import Bell
from app.database import Database
from app.fields import Audience
from app.ledger import reading
from app.ledger.reading import HeadView
from app.ledger.selecting import EVERY_EVENT, Selection
from app.problems import Gone, Unauthenticated
from app.trouble import Trouble

LOOK_EVERY_SECONDS = 0.5  # for what nobody tells, as on SQLite what other processes commit
ENTRIES_AT_ONCE = 100  # so that even a big commit leaves readers the time to take it
BACKLOG_PAGE = 200
THREADS = 4  # readers who come back all at once leave the others to the other routes
BEAT_SECONDS = 15
KEYS_ASKED_EVERY_SECONDS = 30
RESTORED = "The database was restored from a backup; read the lists again, then go on from this event's id."
STOPPING = "the server is stopping"

Found = TypeVar("Found")


class StreamQuery(EventFilter):
    after: Annotated[
        str | None,
        Field(max_length=40, description="A cursor of the feed; from now on where there is none."),
    ] = None


@dataclass(frozen=True)
class _Frame:
    """An entry as it goes out to everyone of a circle."""

    seq: int
    keys: list[str]
    notice: bool
    data: bytes


@dataclass
class _Crowd:
    """Those who want the same, and may see the same."""

    circle: Audience
    wanted: Selection
    listeners: dict[Listener, None] = field(default_factory=dict)  # in their order: neighbours in memory, so quicker


@dataclass(frozen=True)
class _Look:
    here: HeadView  # how far this look goes
    frames: dict[Audience, list[_Frame]]
    more: bool


class Stream:
    """Everyone who listens in this process. All but the reading happens in the one event loop."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self._bell = bell
        self._limiter: CapacityLimiter | None = None
        self._crowds: dict[object, _Crowd] = {}
        self._here: HeadView | None = None  # everything up to here has been handed to everyone
        self._tail: asyncio.Task[None] | None = None
        self._placed = asyncio.Event()  # set while there is a `_here`
        self._joining: set[Listener] = set()
        self._closed = False
        self._trouble_looking = Trouble(__name__, "Reading the ledger for the stream")
        self._trouble_asking = Trouble(__name__, "Asking for the keys of who listens to the stream")

    async def open(self, actor: Actor, key: KeyText | None, query: StreamQuery, last_event_id: str | None) -> Listening:
        """Raises Gone for `after` of an older epoch, Invalid for a cursor from elsewhere or a wrong filter.

        Where a browser that comes back is answered with an error, it gives up for good: it is told in the stream.
        """
        cursor, wanted = None, EVERY_EVENT
        if (last_event_id or query.model_fields_set) and not self._closed:
            cursor, wanted = await self._in_thread(self._place, actor, query, last_event_id)
        return Listening(Listener(actor.audience, wanted, key, cursor), self._serve)

    def close(self) -> None:
        """End every stream; nobody can open another."""
        self._closed = True
        self._end_all(comment(STOPPING))

    def close_soon(self) -> None:
        """The same, from a signal handler."""
        self._closed = True
        if self._tail:
            self._tail.get_loop().call_soon_threadsafe(self.close)

    @property
    def listeners(self) -> Iterator[Listener]:
        yield from self._joining
        for crowd in self._crowds.values():
            yield from crowd.listeners

    def _place(self, actor: Actor, query: StreamQuery, last_event_id: str | None) -> tuple[str | None, Selection]:
        after, where = (last_event_id, "header.last-event-id") if last_event_id else (query.after, "query.after")
        with self._database.read() as session:
            if after is not None:
                here = reading.head(session)
                with contextlib.suppress(*([Gone] if last_event_id else [])):  # catching up from there tells
                    after = reading.cursor(here.epoch, reading.position(after, here, where))
            return after, selection(session, actor, query)

    async def _serve(self, listener: Listener, send: Send) -> None:
        if self._closed:
            listener.end(comment(STOPPING))
            return await listener.send_all(send)
        self._joining.add(listener)
        try:
            here = await self._tailing()
            if listener.from_now_on:
                listener.cursor = reading.cursor(here.epoch, here.seq)
                self._join(listener, here.seq)
            await send(body(greeting(listener.cursor)))
            if not listener.from_now_on:
                await self._catch_up(listener, send)
            await listener.send_all(send)
        finally:
            self._leave(listener)

    async def _catch_up(self, listener: Listener, send: Send) -> None:
        """Send the backlog, and join those who listen where it ends, so that nothing is missed or told twice."""
        while not listener.is_over:
            try:
                data, listener.cursor, reached = await self._in_thread(self._backlog, listener)
            except Gone as gone:
                listener.end(reset(RESTORED, gone.members["start_again_at"]))
                return
            if data:
                await send(body(data))
            # the tail does not move between telling where it is and the joining: there is no await in between
            if reached >= (await self._tailing()).seq:
                self._join(listener, reached)
                return

    def _backlog(self, listener: Listener) -> tuple[bytes, str, int]:
        with self._database.read() as session:
            here = reading.head(session)
            start = reading.position(listener.cursor, here)
            found = reading.after(session, gate_of(listener.circle), start, BACKLOG_PAGE, listener.wanted)
        data = b"".join(event(reading.cursor(here.epoch, view.seq), view.model_dump_json()) for view in found.items)
        return data, found.next_cursor, found.reached

    def _join(self, listener: Listener, reached: int) -> None:
        self._joining.discard(listener)
        listener.joined = reached
        listener.quiet_since = time.monotonic()
        key = _crowd_key(listener)
        crowd = self._crowds.setdefault(key, _Crowd(listener.circle, listener.wanted))
        crowd.listeners[listener] = None

    def _leave(self, listener: Listener) -> None:
        self._joining.discard(listener)
        key = _crowd_key(listener)
        crowd = self._crowds.get(key)
        if crowd:
            crowd.listeners.pop(listener, None)
            if not crowd.listeners:
                del self._crowds[key]

    async def _tailing(self) -> HeadView:
        """Makes sure that the tail is being followed; tells where it is."""
        if self._tail is None or self._tail.done():
            self._here = None
            self._placed = asyncio.Event()
            self._tail = asyncio.create_task(self._follow())
        await self._placed.wait()
        assert self._here
        return self._here

    async def _follow(self) -> None:
        """While anyone listens."""
        beaten = asked = time.monotonic()
        while (self._crowds or self._joining) and not self._closed:
            with self._bell.listen() as rung:
                more = await self._look()
                if time.monotonic() - beaten >= 1:
                    beaten = time.monotonic()
                    self._beat(beaten)
                if time.monotonic() - asked >= KEYS_ASKED_EVERY_SECONDS:
                    asked = time.monotonic()
                    await self._ask_keys()
                if not more:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(rung.wait(), LOOK_EVERY_SECONDS)

    async def _look(self) -> bool:
        """Hand on what is new; tells whether there is more already."""
        look = None
        with self._trouble_looking:
            look = await self._in_thread(self._read, self._here, {crowd.circle for crowd in self._crowds.values()})
        if look is None:
            return False
        before = self._here
        if before and (look.here.epoch != before.epoch or look.here.seq < before.seq):
            self._end_all(reset(RESTORED, reading.cursor(look.here.epoch, look.here.seq)))
        elif any(crowd.circle not in look.frames for crowd in self._crowds.values()):
            return look.here != before  # someone joined whose circle this look did not ask for
        elif before:
            self._hand_on(before, look)
        self._here = look.here
        self._placed.set()
        return look.more

    def _read(self, before: HeadView | None, circles: Iterable[Audience]) -> _Look:
        """New entries as each circle may see them at this moment."""
        with self._database.read() as session:
            here = reading.head(session)
            if before is None or here.epoch != before.epoch or here.seq <= before.seq:
                return _Look(here, {circle: [] for circle in circles}, more=False)
            end = min(here.seq, before.seq + ENTRIES_AT_ONCE)
            frames = {
                circle: [
                    _frame(here.epoch, entry) for entry in reading.between(session, gate_of(circle), before.seq, end)
                ]
                for circle in circles
            }
        return _Look(here.model_copy(update={"seq": end}), frames, more=end < here.seq)

    def _hand_on(self, before: HeadView, look: _Look) -> None:
        end, now = reading.cursor(look.here.epoch, look.here.seq), time.monotonic()
        for crowd in self._crowds.values():
            frames = [frame for frame in look.frames[crowd.circle] if crowd.wanted.matches(frame.keys, frame.notice)]
            if not frames:
                continue
            message = _message(frames)  # one for all: what is done for each is done thousands of times
            for listener in crowd.listeners:
                if listener.joined <= before.seq:
                    listener.offer(message, len(frames), end, now)
                elif new := [frame for frame in frames if frame.seq > listener.joined]:
                    listener.offer(_message(new), len(new), end, now)

    def _beat(self, now: float) -> None:
        """Proxies cut what is silent; the id lets whoever wants little come back to here."""
        if self._here is None:
            return
        cursor = reading.cursor(self._here.epoch, self._here.seq)
        message = body(beat(cursor))
        for crowd in self._crowds.values():
            for listener in crowd.listeners:
                if now - listener.quiet_since >= BEAT_SECONDS and listener.joined <= self._here.seq:
                    listener.quiet_since = now
                    listener.offer(message, 0, cursor, now)

    async def _ask_keys(self) -> None:
        """End the streams of keys that were revoked, have expired, or see another circle now."""
        keys = {listener.key for listener in self.listeners if listener.key}
        circles: dict[KeyText, Audience | None] = {}
        with self._trouble_asking:
            circles = await self._in_thread(self._circles_of, keys) if keys else {}
        for listener in list(self.listeners):
            if listener.key in circles and circles[listener.key] is not listener.circle:
                listener.end(comment("this key is not good any more, or sees something else now; connect again"))

    def _circles_of(self, keys: Iterable[KeyText]) -> dict[KeyText, Audience | None]:
        found: dict[KeyText, Audience | None] = {}
        with self._database.read() as session:
            for key in keys:
                try:
                    found[key] = find_actor(session, key)[0].audience
                except Unauthenticated:
                    found[key] = None
        return found

    def _end_all(self, farewell: bytes) -> None:
        for listener in list(self.listeners):
            listener.end(farewell)

    async def _in_thread(self, function: Callable[..., Found], *arguments: object) -> Found:
        if self._limiter is None:
            self._limiter = CapacityLimiter(THREADS)
        return await to_thread.run_sync(function, *arguments, limiter=self._limiter)


def _frame(epoch: str, entry: reading.Entry) -> _Frame:
    data = event(reading.cursor(epoch, entry.view.seq), entry.view.model_dump_json())
    return _Frame(entry.view.seq, entry.keys, entry.notice, data)


def _message(frames: Iterable[_Frame]) -> Message:
    return body(b"".join(frame.data for frame in frames))


def _crowd_key(listener: Listener) -> object:
    wanted = listener.wanted
    return listener.circle, wanted.types, frozenset(wanted.words.items()), wanted.without
