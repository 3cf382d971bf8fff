"""Endpoints that swallow connections slow nobody else down."""

import functools
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.webhooks import delivering as loop
from app.webhooks import sending
from app.webhooks.answers import Outcome
from app.webhooks.models import Attempt, Lane
from app.webhooks.names import Names
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows, texts, wait_until


@pytest.fixture
def deaf():
    """The URL of someone whose queue of connections is full, so that no more are answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}/"
        for each in waiting:
            each.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(loop, "LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(loop, "STALLED_SECONDS", 0.05)
    monkeypatch.setattr(loop, "LAST_WORDS_SECONDS", 0.1)


def test_while_some_hang_all_others_get_everything(app, database, ada, eve, receiver, deaf):
    demand = a_demand(ada)
    paths = [f"/204?{number}" for number in range(30)]
    for url in (receiver.url("/hang"), deaf, *map(receiver.url, paths)):
        a_webhook(eve, url, types=["demand.update_added"])

    with delivering(app, webhook_concurrency=2):
        for number in range(3):
            note(ada, demand["ref"], str(number))
        receiver.wait_for(1 + 3 * len(paths))

    assert {path: texts(receiver.requests, path) for path in paths} == {path: ["0", "1", "2"] for path in paths}
    assert {attempt.outcome for attempt in rows(database, Attempt)} == {Outcome.DELIVERED}, "the others still hang"


def test_more_endpoints_may_hang_than_there_are_places(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    for number in range(6):
        a_webhook(eve, receiver.url(f"/hang?{number}"), types=["demand.update_added"])
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])

    with delivering(app, webhook_concurrency=2):
        for number in range(8):
            note(ada, demand["ref"], str(number))
        receiver.wait_for(6 + 8)

    assert texts(receiver.requests, "/204") == [str(number) for number in range(8)]
    assert len([lane for lane in rows(database, Lane) if lane.fail_streak]) == 0, "the others still hang"


def test_only_so_many_may_hang_at_a_time(app, ada, eve, receiver, monkeypatch):
    monkeypatch.setattr(loop, "MOST_STALLED", 1)
    demand = a_demand(ada)
    for number in range(6):
        a_webhook(eve, receiver.url(f"/hang?{number}"), types=["demand.update_added"])

    with delivering(app, webhook_concurrency=2, webhook_timeout_seconds=1) as deliverer:
        note(ada, demand["ref"])
        most = 0
        while len(receiver.requests) < 6:
            most = max(most, len(deliverer._under_way))

    assert 2 < most <= 4


def test_names_that_hang_take_no_place_from_those_of_other_organizations(
    app, database, ada, eve, client_for, receiver, monkeypatch, slow_names
):
    monkeypatch.setattr(sending, "Names", functools.partial(Names, places=4))
    demand, other = a_demand(ada), client_for("partner", "other-org")
    for number in range(6):
        a_webhook(eve, f"http://slow{number}.test:9999/", types=["demand.update_added"])
    for number in range(6):
        url = receiver.url(f"/204?{number}").replace("127.0.0.1", f"well{number}.test")
        a_webhook(other, url, types=["demand.update_added"])

    slow_names.clear()
    with delivering(app):
        note(ada, demand["ref"])
        receiver.wait_for(6)
        slow_names.set()

    delivered = [attempt for attempt in rows(database, Attempt) if attempt.outcome is Outcome.DELIVERED]
    assert len(delivered) == 6


@pytest.mark.parametrize("revising", [False, True])
def test_while_hosts_of_new_urls_are_looked_up_requests_of_others_are_answered(
    eve, client, client_for, slow_names, revising
):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")
    other = client_for("partner", "other-org")

    def give_url(number):
        new = {"url": f"http://slow-{revising}-{number}.test:9999/"}
        if revising:
            return eve.patch(f"{API}/webhooks/{webhook['id']}", json=new).status_code
        return eve.post(f"{API}/webhooks", json=new).status_code

    slow_names.clear()
    with ThreadPoolExecutor(60) as crowd:
        waiting = [crowd.submit(give_url, number) for number in range(60)]
        wait_until(lambda: sum("slow-" in thread.name for thread in threading.enumerate()) >= 20)
        read = client.get(f"{API}/demands")
        set_up = other.post(f"{API}/webhooks", json={"url": "http://well.test:9999/"})
        were_waiting = not any(answer.done() for answer in waiting)
        slow_names.set()

    assert (read.status_code, set_up.status_code, were_waiting) == (200, 201, True)
    assert {answer.result() for answer in waiting} == {200 if revising else 201}
