import asyncio
import socket
import threading

import pytest
import uvloop

from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request):
    """On both event loops, which treat sockets and TLS with code of their own."""
    return request.param


@pytest.fixture
def slow_names(monkeypatch):
    """Names that begin so have no address until this is set, as it is at first."""
    may_answer, getaddrinfo = threading.Event(), socket.getaddrinfo

    def look_up(host, *args, **options):
        if str(host).startswith("slow"):
            may_answer.wait()
        return getaddrinfo("127.0.0.1" if str(host).endswith(".test") else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    may_answer.set()
    yield may_answer
    may_answer.set()
