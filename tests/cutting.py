"""A network between an application and PostgreSQL that breaks where it hurts: at a COMMIT.

Either the server never hears of it, or it commits and nobody hears the answer. The messages are those of
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import asyncio
import random
import shutil
import tempfile
import threading
from types import TracebackType
from typing import Self

from sqlalchemy import make_url

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class Network:
    """Stands for the server at `url`. Once it breaks, `share` of the commits are cut off, but no more than `most`."""

    def __init__(self, server: str, chance: random.Random, share: float, most: int) -> None:
        self._server = make_url(server)
        self._chance = chance
        self._share = share
        self._most = most
        self.breaks = False
        self.hangs = False  # while nothing gets through
        self.held = 0  # messages that wait meanwhile
        self.unheard = 0  # commits that did not reach the server
        self.unanswered = 0  # commits whose answer was lost
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._home = tempfile.mkdtemp(prefix="demands-network-")
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="network")
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        shutil.rmtree(self._home)

    @property
    def url(self) -> str:
        near = self._server.set(host=None, port=None).update_query_dict({"host": self._home})
        return near.render_as_string(hide_password=False)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._lines: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._ways: set[asyncio.Task[None]] = set()
        server = await asyncio.start_unix_server(self._accept, f"{self._home}/.s.PGSQL.5432")
        self._ready.set()
        await self._stop.wait()
        # asyncio forgets to close what it is accepting while the server closes
        while asyncio.all_tasks() - {asyncio.current_task(), *self._lines, *self._ways}:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        server.close()
        self.hangs = False
        for writer in self._lines.values():
            writer.transport.abort()  # which ends the line; cancelled, it might lose what it is just opening
        await asyncio.gather(*self._lines, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._connect(reader, writer))
        self._lines[line] = writer
        line.add_done_callback(self._lines.pop)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends, ways, lost = [writer], set[asyncio.Task[None]](), asyncio.Event()
        try:
            far_reader, far_writer = await self._reach_the_server()
            ends.append(far_writer)
            ways.add(asyncio.create_task(self._there(reader, far_writer, lost)))
            ways.add(asyncio.create_task(self._back(far_reader, writer, lost)))
            self._ways |= ways
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._ways -= ways
            for end in ends:
                end.transport.abort()

    async def _reach_the_server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._server.query.get("host") or self._server.host), self._server.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        """Message by message; the first one has no type."""
        head = b""
        while True:
            size = await reader.readexactly(4)
            message = head + size + await reader.readexactly(int.from_bytes(size, "big") - 4)
            if message == COMMIT and self._cuts():
                if self._chance.random() < 0.5:
                    self.unheard += 1
                    return
                self.unanswered += 1
                lost.set()
            await self._hold()
            writer.write(message)
            await writer.drain()
            head = await reader.readexactly(1)

    async def _hold(self) -> None:
        self.held += 1
        while self.hangs:  # noqa: ASYNC110  # another thread says so
            await asyncio.sleep(0.01)
        self.held -= 1

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event) -> None:
        while data := await reader.read(65536):
            if lost.is_set():
                return
            writer.write(data)
            await writer.drain()

    def _cuts(self) -> bool:
        is_left = self.unheard + self.unanswered < self._most
        return self.breaks and is_left and self._chance.random() < self._share
