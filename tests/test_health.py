"""Whoever starts and stops processes is told at once how they are."""

import random
from concurrent.futures import ThreadPoolExecutor

from anyio import to_thread
from fastapi.testclient import TestClient

from app import health
from app.main import create_app
from tests.cutting import Network
from tests.databases import on_postgresql
from tests.factories import API
from tests.webhooks.deliveries import wait_until

THREADS = 40  # that requests share


@on_postgresql
def test_probes_are_answered_while_every_thread_waits_for_a_database_that_hangs(
    settings, database, portal, monkeypatch
):
    with Network(database.url, random.Random(), share=0, most=0) as network, ThreadPoolExecutor(THREADS) as pool:
        app = create_app(settings.model_copy(update={"database_url": network.url}))
        client = TestClient(app)
        client.portal = portal
        before = client.get("/readyz")
        monkeypatch.setattr(health, "READY_WITHIN_SECONDS", 0.1)
        network.hangs = True
        readers = [pool.submit(client.get, f"{API}/kinds") for _ in range(THREADS)]
        wait_until(lambda: not portal.call(free_threads))
        alive, ready = client.get("/healthz"), client.get("/readyz")
        network.hangs = False
        served = {reader.result().status_code for reader in readers}
        wait_until(lambda: client.get("/readyz").status_code == 200)
        app.state.database.dispose()

    assert before.status_code == alive.status_code == 200
    assert (ready.status_code, ready.json()["detail"]) == (503, "The database does not answer.")
    assert served == {200}


async def free_threads():
    return to_thread.current_default_thread_limiter().available_tokens
