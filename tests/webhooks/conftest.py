import asyncio
from datetime import datetime, timedelta

import pytest
import uvloop

from app import clock
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    """On both event loops, which treat sockets and TLS with code of their own."""
    return request.param


class MovableClock:
    """The real one, some time ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._real_now = clock.now

    def now(self) -> datetime:
        return self._real_now() + self.ahead

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@pytest.fixture
def time(monkeypatch):
    """`time.forward(hours=1)`."""
    movable = MovableClock()
    monkeypatch.setattr(clock, "now", movable.now)
    return movable
