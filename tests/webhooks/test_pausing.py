"""A webhook rests when its organisation wants, and goes on from where they choose."""

import json

import pytest

from app import clock
from app.fields import utc
from app.ledger.selecting import TAKING_BACK
from app.webhooks.models import Attempt, Lane, Undelivered
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows, texts, wait_until

UPDATES = {"types": ["demand.update_added"]}


def pause(client, webhook):
    return put(client, webhook, paused=True)


def put(client, webhook, **body):
    answer = client.put(f"{API}/webhooks/{webhook['id']}/paused", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def rested(app, ada, eve, receiver, time):
    """A webhook that was paused while two notes were taken, an hour apart; the ref and the hour between."""
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    pause(eve, webhook)
    note(ada, demand["ref"], "early")
    time.forward(minutes=30)
    between = clock.now()
    time.forward(minutes=30)
    note(ada, demand["ref"], "late")
    with delivering(app):
        pass
    assert receiver.requests == []
    return webhook, demand["ref"], between


def go_on(app, ada, eve, receiver, rested, count=1, **how):
    webhook, ref, _ = rested
    assert put(eve, webhook, paused=False, **how)["state"] == "active"
    note(ada, ref, "new")
    with delivering(app):
        receiver.wait_for(count)
    return texts(receiver.requests)


def test_while_it_is_paused_nothing_is_sent_and_its_lane_is_left_alone(database, eve, rested):
    webhook, *_ = rested

    assert eve.get(f"{API}/webhooks/{webhook['id']}").json()["state"] == "paused"
    assert rows(database, Lane)[0].ready_at is None


def test_it_catches_up_unless_told_otherwise(app, ada, eve, receiver, rested):
    assert go_on(app, ada, eve, receiver, rested) == ["early", "late", "new"]


def test_it_goes_on_from_now(app, ada, eve, receiver, rested):
    assert go_on(app, ada, eve, receiver, rested, **{"from": "now"}) == ["new"]


def test_it_goes_on_from_a_time(app, ada, eve, receiver, rested):
    assert go_on(app, ada, eve, receiver, rested, **{"from": utc(rested[2])}) == ["late", "new"]


def test_it_goes_on_from_a_day(app, ada, eve, receiver, rested, time):
    time.forward(days=1)

    assert go_on(app, ada, eve, receiver, rested, **{"from": clock.today().isoformat()}) == ["new"]


def test_a_time_before_the_pause_sends_nothing_twice(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    note(ada, demand["ref"], "before")
    with delivering(app):
        receiver.wait_for(1)
    pause(eve, webhook)

    put(eve, webhook, paused=False, **{"from": "2020-01-01T00:00:00Z"})
    note(ada, demand["ref"], "after")
    with delivering(app):
        receiver.wait_for(2)

    assert texts(receiver.requests) == ["before", "after"]


def test_what_waited_longer_than_five_days_is_still_sent(app, database, ada, eve, receiver, rested, time):
    time.forward(days=30)

    assert go_on(app, ada, eve, receiver, rested) == ["early", "late", "new"]
    assert rows(database, Undelivered) == []


def test_a_disabled_webhook_goes_on_the_same_way(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "410", "204"), **UPDATES)
    note(ada, demand["ref"], "refused")
    with delivering(app):
        receiver.wait_for(1)
    refused = eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": True})

    resumed = put(eve, webhook, paused=False)
    with delivering(app):
        receiver.wait_for(2)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/webhook-disabled")
    assert (resumed["state"], resumed["state_reason"]) == ("active", None)
    assert texts(receiver.requests) == ["refused", "refused"]


def test_it_does_not_wait_for_a_retry_of_before(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "500", "204"), **UPDATES)
    note(ada, demand["ref"])
    with delivering(app):
        receiver.wait_for(1)

    pause(eve, webhook)
    put(eve, webhook, paused=False)
    with delivering(app):
        receiver.wait_for(2)


def test_what_is_under_way_when_it_is_paused_is_noted_and_then_it_rests(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/hang"), **UPDATES)
    note(ada, demand["ref"])

    with delivering(app, webhook_timeout_seconds=1):
        receiver.wait_for(1)
        pause(eve, webhook)
        wait_until(lambda: rows(database, Attempt))

    assert rows(database, Lane)[0].ready_at is None


def test_doing_it_twice_changes_nothing(ada, eve):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")

    assert pause(eve, webhook) == pause(eve, webhook)
    assert put(eve, webhook, paused=False) == put(eve, webhook, paused=False)

    happened = [e["type"] for e in ada.get(f"{API}/events").json()["items"] if e["type"].startswith("webhook.")]
    assert happened == ["webhook.created", "webhook.paused", "webhook.resumed"]


@pytest.mark.parametrize("waits", [True, False], ids=["something waits", "nothing waits"])
def test_new_filters_hold_since_the_first_that_waits_or_from_then_on(app, ada, eve, receiver, waits):
    one, two = a_demand(ada)["ref"], a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES, filters={"demand": [one]})
    pause(eve, webhook)
    if waits:
        note(ada, one, "one")
    note(ada, two, "two, before")
    with delivering(app):
        pass

    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"filters": {"demand": [two]}})
    put(eve, webhook, paused=False)
    with delivering(app):
        receiver.wait_for(1 if waits else 0)
    note(ada, two, "two, since")
    with delivering(app):
        receiver.wait_for(2 if waits else 1)

    assert texts(receiver.requests) == (["two, before", "two, since"] if waits else ["two, since"])


@pytest.fixture
def held_up(app, ada, eve, receiver, time):
    """An active webhook whose endpoint does not take the first of two notes, an hour apart; as `rested`."""
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "500", "204"), **UPDATES)
    note(ada, demand["ref"], "early")
    with delivering(app):
        receiver.wait_for(1)
    time.forward(seconds=1)
    between = clock.now()
    note(ada, demand["ref"], "late")
    with delivering(app):
        pass
    assert texts(receiver.requests) == ["early"]
    return webhook, demand["ref"], between


def test_an_active_one_passes_over_what_waits_and_goes_on_from_now(app, ada, eve, receiver, held_up):
    sent = go_on(app, ada, eve, receiver, held_up, 2, **{"from": "now"})

    assert sent == ["early", "new"]
    assert eve.get(f"{API}/webhooks/{held_up[0]['id']}/undelivered").json()["items"] == []
    assert [e["type"] for e in ada.get(f"{API}/events?types=webhook.resumed").json()["items"]] == ["webhook.resumed"]


def test_an_active_one_goes_on_from_a_time(app, ada, eve, receiver, held_up):
    sent = go_on(app, ada, eve, receiver, held_up, 3, **{"from": utc(held_up[2])})

    assert sent == ["early", "late", "new"]


def test_a_replay_brings_what_was_passed_over(app, ada, eve, receiver, held_up):
    go_on(app, ada, eve, receiver, held_up, 2, **{"from": "now"})

    eve.post(f"{API}/webhooks/{held_up[0]['id']}/replay", json={"from_seq": 1})
    with delivering(app):
        receiver.wait_for(5)

    assert texts(receiver.requests[2:]) == ["early", "late", "new"]


@pytest.mark.parametrize("start", ["now", "a time"])
def test_that_something_was_taken_from_view_is_not_passed_over(app, ada, eve, receiver, rested, start):
    webhook, ref, _ = rested
    taken = {"state": "unpublished", "reason": "It named someone."}
    assert ada.put(f"{API}/demands/{ref}/publication", json=taken).status_code == 200
    shown = a_demand(ada)["ref"]

    put(eve, webhook, paused=False, **{"from": "now" if start == "now" else utc(clock.now())})
    note(ada, shown, "new")
    with delivering(app):
        receiver.wait_for(2)

    sent = {(m["type"], m["data"]["demand"]["ref"]) for m in (json.loads(r.body) for r in receiver.requests)}
    assert sent == {("demand.unpublished", ref), ("demand.update_added", shown)}
    assert [replay["state"] for replay in replays(eve, webhook)] == ["finished"]


def publication(ada, ref, state, **more):
    assert ada.put(f"{API}/demands/{ref}/publication", json={"state": state, **more}).status_code == 200


def test_that_something_was_taken_from_view_is_not_told_where_it_is_back(app, ada, eve, receiver, rested):
    webhook, ref, _ = rested
    publication(ada, ref, "unpublished", reason="It named someone.")
    publication(ada, ref, "published")

    put(eve, webhook, paused=False, **{"from": "now"})
    note(ada, ref, "new")
    with delivering(app):
        receiver.wait_for(1)

    assert texts(receiver.requests) == ["new"]
    assert replays(eve, webhook) == []


def test_it_is_not_told_where_it_came_back_before_it_was_sent(app, ada, eve, receiver, rested):
    webhook, ref, _ = rested
    publication(ada, ref, "unpublished", reason="It named someone.")
    put(eve, webhook, paused=False, **{"from": "now"})

    publication(ada, ref, "published")
    note(ada, ref, "new")
    with delivering(app):
        receiver.wait_for(1)

    assert texts(receiver.requests) == ["new"]
    assert [(replay["state"], replay["delivered"]) for replay in replays(eve, webhook)] == [("finished", 0)]


def test_however_often_it_goes_on_from_now_what_was_taken_from_view_waits_in_one_replay(
    app, ada, eve, receiver, rested
):
    webhook, ref, _ = rested
    refs = [ref, a_demand(ada)["ref"], a_demand(ada)["ref"]]
    for each in refs:
        publication(ada, each, "unpublished", reason="It named someone.")
        put(eve, webhook, paused=False, **{"from": "now"})
    assert len(replays(eve, webhook)) == 1

    with delivering(app):
        receiver.wait_for(3)

    sent = [(m["type"], m["data"]["demand"]["ref"]) for m in (json.loads(r.body) for r in receiver.requests)]
    assert sent == [("demand.unpublished", each) for each in refs]


def test_a_replay_of_what_was_given_up_takes_no_notice_with_it(app, ada, eve, receiver, rested):
    webhook, ref, _ = rested
    waiting = {"from_seq": 1, "types": TAKING_BACK, "only_undelivered": True}
    assert eve.post(f"{API}/webhooks/{webhook['id']}/replay", json=waiting).status_code == 201
    publication(ada, ref, "unpublished", reason="It named someone.")

    put(eve, webhook, paused=False, **{"from": "now"})
    with delivering(app):
        receiver.wait_for(1)

    assert [json.loads(request.body)["type"] for request in receiver.requests] == ["demand.unpublished"]


def test_where_nothing_was_taken_from_view_what_is_passed_over_begins_no_replay(eve, rested):
    webhook, *_ = rested

    put(eve, webhook, paused=False, **{"from": "now"})

    assert replays(eve, webhook) == []


def replays(client, webhook):
    return client.get(f"{API}/webhooks/{webhook['id']}/replay").json()["items"]


def test_an_active_one_cannot_go_on_from_a_time_in_the_future(eve):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")

    future = {"paused": False, "from": "2999-01-01T00:00:00Z"}
    refused = eve.put(f"{API}/webhooks/{webhook['id']}/paused", json=future)

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.from")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"paused": True, "from": "now"},
        {"paused": False, "from": "tomorrow"},
        {"paused": False, "from": "2999-01-01T00:00:00Z"},
        {"paused": "perhaps"},
        {"paused": False, "from_": "now"},
    ],
)
def test_what_cannot_be_is_refused(eve, body):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")
    pause(eve, webhook)

    assert eve.put(f"{API}/webhooks/{webhook['id']}/paused", json=body).status_code == 422


def test_a_start_that_is_none_is_refused_with_those_that_there_are(eve):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")

    refused = eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": False, "from": "soon"})

    assert refused.json()["errors"] == [
        {"where": "body.from", "what": "say `catch_up`, `now` or a time, such as 2022-12-10T09:30:00Z"}
    ]
