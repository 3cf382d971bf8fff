"""The app on a real socket, for what has no end."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import uvicorn

from tests.factories import API
from tests.serving import free_port

LONGEST = 30  # seconds that nothing here should need


class Listener:
    """A client of the live stream: `next()` gives one block after another."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.retry: int | None = None
        self._lines = response.iter_lines()
        self.id = self._block()["id"]

    def next(self) -> dict[str, str]:
        """The next block that tells something."""
        while "data" not in (block := self._block()):
            assert block, "the stream has ended"
        return block

    def rest(self) -> list[dict[str, str]]:
        """What comes until the stream ends."""
        found = []
        while block := self._block():
            found.append(block)
        return found

    def _block(self) -> dict[str, str]:
        block: dict[str, str] = {}
        for line in self._lines:
            if not line and block:
                return block
            name, _, value = line.partition(": ")
            block[name or "comment"] = value
        return block


class Live:
    def __init__(self, url: str) -> None:
        self.url = url

    @contextlib.contextmanager
    def listen(self, key: str | None = None, cursor: str | None = None, **query: Any) -> Iterator[Listener]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if cursor is not None:
            headers["Last-Event-ID"] = cursor
        with (
            httpx2.Client(timeout=LONGEST, trust_env=False) as client,
            client.stream("GET", f"{self.url}{API}/events/stream", headers=headers, params=query) as response,
        ):
            assert response.status_code == 200, response.read()
            yield Listener(response)


@pytest.fixture
def live(app) -> Iterator[Live]:
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield Live(f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(LONGEST)
    assert not thread.is_alive()
