"""Every message has the shape that its schema announces, and no member that it does not."""

import json

from app.ledger.types import EVENT_TYPES
from tests.catalogue.history import CIRCLES, HOOK, happen, patch
from tests.factories import API, a_demand, made, publish
from tests.webhooks.deliveries import a_webhook, delivering, note


def forms_of(message):
    """What is special about it."""
    data = message["data"]
    if data.get("thin"):
        return {"thin"}
    notice = message["type"] in ("demand.unpublished", "source.withdrawn", "organization.withdrawn")
    later = "demand" in data and "title" not in data["demand"]
    return (
        {"notice"} if notice else {"told later"} if later else {"redacted"} if "[redacted]" in str(data) else {"full"}
    )


def polled(client, webhook):
    messages, cursor = [], "0"
    while True:
        answer = client.get(f"{API}/webhooks/{webhook['id']}/events", params={"after": cursor, "limit": 200}).json()
        messages += answer["items"]
        if len(answer["items"]) < 200:
            return messages
        cursor = answer["next_cursor"]


def test_every_message_of_a_full_history_has_its_shape_for_every_reader(database, ada, bob, client_for, validator):
    admin = client_for("admin")
    readers = {circle: client_for("partner", f"{circle}-readers") for circle in CIRCLES}
    for circle in CIRCLES:
        patch(admin, f"organizations/{circle}-readers", reads=circle)
    webhooks = {
        (circle, payload): a_webhook(reader, HOOK, payload=payload)
        for circle, reader in readers.items()
        for payload in ("full", "thin")
    }
    happen(database, admin, ada, bob)

    sent = {each: polled(readers[each[0]], webhook) for each, webhook in webhooks.items()}

    for messages in sent.values():
        for message in messages:
            del message["id"]
            assert [error.message for error in validator(message["type"]).iter_errors(message)] == [], message
    assert {message["type"] for message in sent["staff", "full"]} == set(EVENT_TYPES)
    for circle in CIRCLES:
        found = {form for message in sent[circle, "full"] for form in forms_of(message)}
        assert found == {"full", "thin", "notice", "redacted", "told later"}
        assert {form for message in sent[circle, "thin"] for form in forms_of(message)} == {"thin"}
    lengths = [len(sent[circle, "full"]) for circle in CIRCLES]
    assert 0 < lengths[0] < lengths[1] < lengths[2]


def test_what_arrives_has_the_shape_too(app, ada, eve, receiver, validator):
    ref = a_demand(ada)["ref"]
    a_webhook(eve, receiver.url("/200"))
    tried = a_webhook(eve, receiver.url("/204"), payload="thin", types=["demand.update_added"])

    with delivering(app):
        note(ada, ref, "x" * 9_000)
        made(ada, f"demands/{ref}/updates", {"text": "é" * 10_000, "on": "2024"})
        receiver.wait_for(4)
        publish(ada, ref, state="unpublished", reason="x")
        receiver.wait_for(6)
    eve.post(f"{API}/webhooks/{tried['id']}/test")

    messages = [json.loads(request.body) for request in receiver.requests]
    for message in messages:
        assert [error.message for error in validator(message["type"]).iter_errors(message)] == [], message
    assert {message["type"] for message in messages} == {"demand.update_added", "demand.unpublished", "webhook.test"}


def test_a_message_that_is_not_as_announced_is_noticed(validator, client):
    [example] = [
        each["example"] for each in client.get(f"{API}/event-types").json()["items"] if each["name"] == "demand.cited"
    ]

    for wrong in (
        {**example, "type": "demand.created"},
        {**example, "more": 1},
        {**example, "data": {**example["data"], "citation": {}}},
        {**example, "data": {**example["data"], "more": 1}},
        {**example, "data": {"seq": 1, "thin": True}},
    ):
        assert not validator("demand.cited").is_valid(wrong)
