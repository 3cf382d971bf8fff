"""A process that waits for a database that hangs can be stopped all the same."""

import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import httpx2
import pytest

from tests.cli import commands
from tests.cutting import Network
from tests.databases import on_postgresql
from tests.factories import API
from tests.serving import START_WITHIN_SECONDS, free_port
from tests.webhooks.deliveries import wait_until

HURRY = """
from app.cli import main, stopping
from app.webhooks import delivering
stopping.STOP_WITHIN_SECONDS = 1
delivering.LOOK_EVERY_SECONDS = 0.01
main()
"""

pytestmark = on_postgresql


@pytest.fixture
def network(database):
    with Network(database.url, random.Random(), share=0, most=0) as network:
        yield network
        network.hangs = False


@contextmanager
def started(settings, network, *words):
    """A command that has begun its work, and is in a hurry to end."""
    environment = commands.environment(**commands.of(settings) | {"database_url": network.url})
    command = [sys.executable, "-c", HURRY, *words]
    log = settings.data_dir / "stopping.log"
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    with process:
        assert process.stdout
        try:
            assert any("(Ctrl-C stops it)" in line for line in process.stdout)
            yield process, log
        finally:
            process.kill()


def test_a_worker(settings, network):
    with started(settings, network, "work") as (process, log):
        network.hangs = True
        wait_until(lambda: network.held)
        process.send_signal(signal.SIGTERM)
        process.wait(8)

    assert process.returncode == 1
    assert "it ends now" in log.read_text()


def test_a_server(settings, network):
    port = free_port()
    with started(settings, network, "serve", "--port", str(port)) as (process, log), ThreadPoolExecutor(1) as pool:
        wait_until(lambda: answers(port, "/healthz"), START_WITHIN_SECONDS)
        network.hangs = True
        pool.submit(answers, port, f"{API}/kinds")
        wait_until(lambda: network.held)
        process.send_signal(signal.SIGTERM)
        process.wait(8)

    assert process.returncode == 1
    assert "it ends now" in log.read_text()


def answers(port, path):
    with suppress(httpx2.TransportError):
        return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=30, trust_env=False).is_success
    return False
