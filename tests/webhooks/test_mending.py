"""An endpoint that was mended, or moved, need not wait until it would be tried again."""

import pytest

from app import clock
from app.webhooks.models import Attempt, Lane
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows

UPDATES = {"types": ["demand.update_added"]}


@pytest.fixture
def failing(app, ada, eve, receiver, time):
    """A webhook whose endpoint has failed since more than an hour, and would be tried in some minutes."""
    webhook = a_webhook(eve, receiver.script("/hook", "500", "500", "500", "500", "204"), **UPDATES)
    note(ada, a_demand(ada)["ref"])
    for _ in range(4):
        with delivering(app):
            pass
        time.forward(minutes=25)
    time.forward(minutes=-25)
    assert len(receiver.requests) == 4
    return webhook


def work(app):
    with delivering(app):
        pass


def revise(client, webhook, **changes):
    answer = client.patch(f"{API}/webhooks/{webhook['id']}", json=changes)
    assert answer.status_code == 200, answer.text


def send_test(client, webhook):
    return client.post(f"{API}/webhooks/{webhook['id']}/test").json()["outcome"]


def let_go_on(client, webhook):
    answer = client.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": False})
    assert answer.status_code == 200, answer.text


def test_a_new_url_is_tried_at_once_and_nothing_is_held_against_it(app, database, eve, receiver, failing):
    revise(eve, failing, url=receiver.url("/500"))

    work(app)

    assert receiver.requests[-1].path == "/500"
    [lane] = rows(database, Lane)
    assert (lane.fail_streak, lane.warned_hours) == (1, 0)
    assert (clock.now() - lane.first_fail_at).total_seconds() < 600


def test_what_is_revised_beside_the_url_leaves_the_retry_where_it_was(database, eve, failing):
    [before] = rows(database, Lane)

    revise(eve, failing, description="Ours")

    assert rows(database, Lane) == [before]


def test_a_late_answer_of_the_old_url_says_nothing_of_the_new_one(app, database, ada, eve, receiver):
    webhook = a_webhook(eve, receiver.url("/waits-for-a-word"), **UPDATES)
    note(ada, a_demand(ada)["ref"])

    with delivering(app):
        receiver.wait_for(1)
        revise(eve, webhook, url=receiver.url("/204"))
        receiver.wait_for(2)
        receiver.say(410)

    assert eve.get(f"{API}/webhooks/{webhook['id']}").json()["state"] == "active"
    assert [request.path for request in receiver.requests] == ["/waits-for-a-word", "/204"]
    assert [attempt.status for attempt in rows(database, Attempt)] == [204]


def test_a_new_url_does_not_wake_a_webhook_that_rests(database, eve, receiver, failing):
    eve.put(f"{API}/webhooks/{failing['id']}/paused", json={"paused": True})

    revise(eve, failing, url=receiver.url("/204"))

    assert rows(database, Lane)[0].ready_at is None


@pytest.fixture
def disabled(app, ada, eve, receiver):
    """A webhook whose endpoint said that it is gone, and the note that it did not take."""
    webhook = a_webhook(eve, receiver.url("/410"), **UPDATES)
    note(ada, a_demand(ada)["ref"])
    work(app)
    assert eve.get(f"{API}/webhooks/{webhook['id']}").json()["state"] == "disabled"
    return webhook


def test_a_new_url_lets_a_disabled_webhook_go_on_from_where_it_stood(app, eve, receiver, disabled):
    revise(eve, disabled, url=receiver.url("/204"))
    work(app)

    found = eve.get(f"{API}/webhooks/{disabled['id']}").json()
    assert (found["state"], found["state_reason"]) == ("active", None)
    assert [request.path for request in receiver.requests] == ["/410", "/204"]
    assert receiver.requests[1].body == receiver.requests[0].body


def test_what_is_revised_beside_the_url_leaves_it_disabled(app, eve, receiver, disabled):
    revise(eve, disabled, description="Ours", url=disabled["url"])
    work(app)

    assert eve.get(f"{API}/webhooks/{disabled['id']}").json()["state"] == "disabled"
    assert len(receiver.requests) == 1


def test_a_new_url_of_a_disabled_webhook_is_to_be_verified_where_the_operator_wants_that(
    app, eve, receiver, disabled, monkeypatch
):
    monkeypatch.setattr(app.state.settings, "webhook_verify", True)

    revise(eve, disabled, url=receiver.url("/204"))
    work(app)

    found = eve.get(f"{API}/webhooks/{disabled['id']}").json()
    assert (found["state"], found["state_reason"]) == ("unverified", None)
    assert len(receiver.requests) == 1


def test_a_test_that_gets_through_ends_the_waiting(app, eve, receiver, failing):
    assert send_test(eve, failing) == "delivered"
    work(app)

    assert len(receiver.requests) == 6
    assert eve.get(f"{API}/webhooks/{failing['id']}/health").json()["failing_since"] is None


def test_a_test_that_fails_leaves_the_retry_where_it_was(app, database, ada, eve, receiver):
    webhook = a_webhook(eve, receiver.url("/500"), **UPDATES)
    note(ada, a_demand(ada)["ref"])
    work(app)
    [before] = rows(database, Lane)

    assert send_test(eve, webhook) == "retry"

    assert rows(database, Lane) == [before]


def test_letting_it_go_on_ends_the_waiting_but_not_the_count_of_failures(app, database, eve, receiver, failing):
    receiver.script("/hook", "500")
    [before] = rows(database, Lane)

    let_go_on(eve, failing)
    work(app)

    [lane] = rows(database, Lane)
    assert len(receiver.requests) == 5
    assert (lane.fail_streak, lane.first_fail_at) == (5, before.first_fail_at)
