"""Waiting for the ledger to move: one look at its end for everyone who waits in this process."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from fastapi.concurrency import run_in_threadpool

from app.database import Database
from app.ledger import reading
from app.trouble import Trouble

LOOK_EVERY_SECONDS = 0.5  # for what nobody tells, as on SQLite what other processes commit


class Bell:
    """Rings, from any thread, when something has been committed that readers can see."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def ring(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for loop, rung in waiting:
            with contextlib.suppress(RuntimeError):  # that loop has ended meanwhile
                loop.call_soon_threadsafe(rung.set)

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Event]:
        """An event that is set at the next ring; enter before looking, so that nothing falls in between."""
        entry = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(entry)
        try:
            yield entry[1]
        finally:
            with self._lock:
                self._waiting.discard(entry)


class Lookout:
    """Looks where the ledger ends while anyone waits for it to end elsewhere."""

    def __init__(self, database: Database, bell: Bell) -> None:
        self._database = database
        self.bell = bell
        self._looking: asyncio.Task[None] | None = None
        self._trouble = Trouble(__name__, "Looking where the ledger ends")
        self.waiting: dict[asyncio.Future[None], str] = {}  # with the cursor of the end that each knows

    async def wait(self, end: str, gone: asyncio.Future[None], seconds: float) -> None:
        """Until the ledger ends elsewhere, whoever asked has gone, or the time is over."""
        moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting[moved] = end
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._keep_looking())
        try:
            await asyncio.wait([moved, gone], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self.waiting[moved]
            if not self.waiting:
                self._looking.cancel()
                self._looking = None

    def look(self) -> str:
        """The cursor where the ledger ends."""
        with self._database.read() as session:
            here = reading.head(session)
        return reading.cursor(here.epoch, here.seq)

    async def _keep_looking(self) -> None:
        while True:
            with self.bell.listen() as rung:
                waiting = dict(self.waiting)  # those who come during a look may know of more than it finds
                end = await self._end()
                for moved, known in waiting.items():
                    if end != known and not moved.done():
                        moved.set_result(None)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), LOOK_EVERY_SECONDS)

    async def _end(self) -> str | None:
        """None where it cannot be read: then everyone reads, and is told what is wrong."""
        with self._trouble:
            return await run_in_threadpool(self.look)
        return None
