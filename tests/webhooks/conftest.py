import asyncio

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
