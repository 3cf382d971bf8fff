"""What was prepared before a connection that took long is asked for again when there is one."""

import json
import threading
from time import monotonic

import pytest

from app.webhooks import delivering as loop
from app.webhooks import names
from app.webhooks.models import Attempt, Lane
from tests.factories import API, a_demand
from tests.webhooks.deliveries import LEASE, a_webhook, delivering, note, rows, texts, wait_until

FRESH_SECONDS = 0.3


@pytest.fixture(autouse=True)
def soon_old(monkeypatch):
    monkeypatch.setattr(loop, "LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(loop, "FRESH_SECONDS", FRESH_SECONDS)


def named(name, url):
    return url.replace("127.0.0.1", name)


def unpublish(ada, demand):
    hidden = {"state": "unpublished", "reason": "It named someone."}
    assert ada.put(f"{API}/demands/{demand['ref']}/publication", json=hidden).status_code == 200


def let_it_grow_old():
    """The message that waits for the lookup of a slow name."""
    wait_until(lambda: any("lookup of slow" in thread.name for thread in threading.enumerate()))
    until = monotonic() + 2 * FRESH_SECONDS
    wait_until(lambda: monotonic() > until)


@pytest.mark.parametrize(
    ("fresh_seconds", "lease_seconds"), [(FRESH_SECONDS, 30), (30, 2 * FRESH_SECONDS)], ids=["too old", "a short lease"]
)
def test_what_was_taken_from_view_while_the_host_was_looked_up_is_not_sent(
    app, database, ada, eve, receiver, slow_names, monkeypatch, fresh_seconds, lease_seconds
):
    monkeypatch.setattr(loop, "FRESH_SECONDS", fresh_seconds)
    a_webhook(eve, named("slow-hidden.test", receiver.url()), types=["demand.published"])

    slow_names.clear()
    with delivering(app, webhook_lease_seconds=lease_seconds):
        demand = a_demand(ada, title="Release of Jan Janssen")
        let_it_grow_old()
        unpublish(ada, demand)
        slow_names.set()
        receiver.wait_for(1)

    assert [json.loads(request.body)["type"] for request in receiver.requests] == ["demand.unpublished"]
    assert b"Janssen" not in receiver.requests[0].body
    assert receiver.connections == 1
    assert len(rows(database, Attempt)) == 1


def test_what_was_prepared_for_another_url_is_not_sent_there(app, ada, eve, receiver, slow_names):
    webhook = a_webhook(eve, named("slow-moved.test", receiver.url("/204?old")), types=["demand.update_added"])
    demand = a_demand(ada)

    slow_names.clear()
    with delivering(app):
        note(ada, demand["ref"])
        let_it_grow_old()
        assert eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.url()}).status_code == 200
        slow_names.set()
        receiver.wait_for(1)

    assert [request.path for request in receiver.requests] == ["/204"]


def test_what_was_lent_to_someone_else_meanwhile_is_left_to_them(app, database, ada, eve, receiver, slow_names, time):
    a_webhook(eve, named("slow-taken.test", receiver.url()), types=["demand.update_added"])
    demand = a_demand(ada)

    slow_names.clear()
    with delivering(app):
        note(ada, demand["ref"], "once")
        let_it_grow_old()
        time.forward(seconds=LEASE.total_seconds() + 1)
        wait_until(lambda: rows(database, Lane)[0].lease_epoch == 2)
        slow_names.set()
        receiver.wait_for(1)

    assert texts(receiver.requests) == ["once"]
    assert len(rows(database, Attempt)) == 1


def test_an_endpoint_whose_connections_always_take_longer_gets_everything_once(
    app, database, ada, eve, receiver, slow_names, monkeypatch
):
    monkeypatch.setattr(names, "_REMEMBER_ADDRESSES_SECONDS", 0.0)
    url = named("slow-always.test", receiver.url("/a-byte-after-the-last"))  # which ends the connection
    a_webhook(eve, url, types=["demand.update_added"])
    demand = a_demand(ada)

    with delivering(app):
        for number in range(3):
            slow_names.clear()
            note(ada, demand["ref"], str(number))
            let_it_grow_old()
            slow_names.set()
            receiver.wait_for(number + 1)

    assert texts(receiver.requests) == ["0", "1", "2"]
    assert len(rows(database, Attempt)) == 3
