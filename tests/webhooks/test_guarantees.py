"""What partners are promised, told from their side: with the API and their endpoint, and nothing else.

Promise three, that nothing is lost whoever dies, is in test_storms.py, and four, that nobody is slowed down by others,
in test_hanging.py.
"""

import json

from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, texts

UPDATES = {"types": ["demand.update_added"]}


def ids(requests):
    return [request.headers["webhook-id"] for request in requests]


def types(requests):
    return [json.loads(request.body)["type"] for request in requests]


def deliver(app, receiver, count):
    with delivering(app):
        return receiver.wait_for(count)


def test_what_was_given_up_after_five_days_is_shown_and_can_be_had_again(app, ada, eve, receiver, time):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", *["500"] * 5, "204"), **UPDATES)
    note(ada, demand["ref"], "old")
    for attempts in range(1, 6):
        deliver(app, receiver, attempts)
        time.forward(days=1, minutes=1)
    note(ada, demand["ref"], "new")
    deliver(app, receiver, 6)

    door = f"{API}/webhooks/{webhook['id']}/undelivered"
    [given_up] = eve.get(door).json()["items"]
    retried = eve.post(f"{door}/retries", json={"seq": given_up["seq"]})
    requests = deliver(app, receiver, 7)

    assert (given_up["reason"], given_up["event"]) == ("expired", ids(requests)[0])
    assert retried.status_code == 201, retried.text
    assert texts(requests) == ["old"] * 5 + ["new", "old"]
    assert {*ids(requests)[:5]} == {ids(requests)[6]} != {ids(requests)[5]}
    assert eve.get(door).json()["items"] == []


def test_every_attempt_has_the_same_id_and_the_order_lasts_through_retries_and_restarts(app, ada, eve, receiver, time):
    demand = a_demand(ada)
    a_webhook(eve, receiver.script("/hook", "500", "reset", "close-in-body", "204", "503", "204"), **UPDATES)
    for number in range(3):
        note(ada, demand["ref"], str(number))

    for count in (1, 2, 3, 5, 7):
        deliver(app, receiver, count)  # by a worker of its own each time
        time.forward(minutes=5)

    assert texts(receiver.requests) == ["0", "0", "0", "0", "1", "1", "2"]
    assert len(set(ids(receiver.requests))) == 3
    assert len(set(zip(ids(receiver.requests), texts(receiver.requests), strict=True))) == 3


def test_when_something_that_was_sent_is_taken_from_view_the_partner_is_told(app, ada, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), **UPDATES)
    note(ada, demand["ref"], "a private address")
    deliver(app, receiver, 1)

    hidden = {"state": "unpublished", "reason": "It names someone."}
    assert ada.put(f"{API}/demands/{demand['ref']}/publication", json=hidden).status_code == 200
    note(ada, demand["ref"], "not for them")
    told = deliver(app, receiver, 2)[-1]

    assert types(receiver.requests) == ["demand.update_added", "demand.unpublished"]
    assert json.loads(told.body)["data"]["demand"] == {"ref": demand["ref"]}


def test_when_words_that_were_sent_are_redacted_the_partner_is_told(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    note(ada, demand["ref"], "Name Of A Person was released.")
    deliver(app, receiver, 1)

    words = {"text": "Name Of A Person", "reason": "They asked."}
    assert ada.post(f"{API}/redactions", json=words).status_code == 201
    told = deliver(app, receiver, 2)[-1]
    replay = eve.post(f"{API}/webhooks/{webhook['id']}/replay", json={"from_seq": 1})
    again = deliver(app, receiver, 3)[2]

    assert types([told]) == ["demand.redacted"]
    assert b"Name Of A Person" not in told.body
    assert replay.status_code == 201, replay.text
    assert again.headers["webhook-id"] == ids(receiver.requests)[0]
    assert b"Name Of A Person" not in again.body


def test_what_may_be_seen_is_asked_at_the_moment_of_sending(app, ada, eve, client_for, receiver, time):
    demand = a_demand(ada, audience="partners")
    a_webhook(eve, receiver.script("/hook", "500", "204"), **UPDATES)
    note(ada, demand["ref"], "for partners")
    deliver(app, receiver, 1)

    door = f"{API}/organizations/eve-org"
    lowered = client_for("admin").patch(door, json={"reads": "public"}, headers={"If-Match": "*"})
    assert lowered.status_code == 200, lowered.text
    shown = a_demand(ada)
    note(ada, shown["ref"], "for all")
    time.forward(minutes=1)
    deliver(app, receiver, 2)

    assert texts(receiver.requests) == ["for partners", "for all"]
