"""What a message says, and how it stays small."""

import datetime
import json
import uuid

from app.fields import Audience
from app.ledger.reading import EventView
from app.webhooks.messages import LARGEST_BYTES, render
from app.webhooks.models import Payload
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note

AT = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=4)))
ID = uuid.UUID("0198c1de-0000-7000-8000-000000000001")


def a_message(data, demand="NK-4", payload=Payload.FULL):
    view = EventView(
        seq=7,
        id=ID,
        type="demand.update_added",
        recorded_at=AT,
        actor={"organization": "ada-org"},
        campaign="nk",
        demand=demand,
        audience=Audience.PUBLIC,
        data=data,
    )
    return render(view, "https://demands.example/api/v1", "0123456789abcdef", payload)


LINKS = {
    "event": "https://demands.example/api/v1/events?after=0123456789ab-6&to_seq=7",
    "demand": "https://demands.example/api/v1/demands/NK-4",
}


def test_a_message_is_the_event_as_its_reader_sees_it():
    message = a_message({"demand": {"ref": "NK-4", "title": "Ձ"}, "update": {"text": "t"}})

    assert message.id == "evt_0198c1de000070008000000000000001"
    assert json.loads(message.body) == {
        "type": "demand.update_added",
        "timestamp": "2026-11-22T05:30:00Z",
        "data": {"seq": 7, "demand": {"ref": "NK-4", "title": "Ձ"}, "update": {"text": "t"}, "links": LINKS},
    }
    assert b": " not in message.body


def test_a_large_one_is_thin():
    most = LARGEST_BYTES - len(a_message({"demand": {"ref": "NK-4"}, "note": ""}).body)

    full = a_message({"demand": {"ref": "NK-4"}, "note": "x" * most})
    thin = a_message({"demand": {"ref": "NK-4"}, "note": "x" * (most + 1)})

    assert len(full.body) == LARGEST_BYTES
    assert json.loads(thin.body)["data"] == {"seq": 7, "thin": True, "demand": {"ref": "NK-4"}, "links": LINKS}


def test_one_that_was_erased_is_thin():
    assert json.loads(a_message(None).body)["data"]["thin"] is True


def test_what_is_asked_for_thin_says_what_happened_to_what_and_no_more():
    message = a_message({"demand": {"ref": "NK-4", "title": "t"}, "update": {"text": "t"}}, payload=Payload.THIN)

    assert json.loads(message.body) == {
        "type": "demand.update_added",
        "timestamp": "2026-11-22T05:30:00Z",
        "data": {"seq": 7, "thin": True, "demand": {"ref": "NK-4"}, "links": LINKS},
    }


def test_webhooks_get_the_form_that_each_asked_for(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    a_webhook(eve, receiver.url("/200"), types=["demand.update_added"])
    thin = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"], payload="thin")

    with delivering(app):
        note(ada, ref, "A long talk.")
        receiver.wait_for(2)
    eve.patch(f"{API}/webhooks/{thin['id']}", json={"payload": "full"})
    with delivering(app):
        note(ada, ref, "A long talk.")
        requests = receiver.wait_for(4)

    assert {(request.path, b"A long talk." in request.body) for request in requests[:2]} == {
        ("/200", True),
        ("/204", False),
    }
    assert all(b"A long talk." in request.body for request in requests[2:])
    assert {request.headers["webhook-id"] for request in requests[:2] if request.path == "/204"} == {
        request.headers["webhook-id"] for request in requests[:2] if request.path == "/200"
    }


def test_the_thin_form_is_to_be_polled_too(ada, eve):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/", types=["demand.update_added"], payload="thin")
    ref = a_demand(ada)["ref"]
    note(ada, ref)

    [message] = eve.get(f"{API}/webhooks/{webhook['id']}/events").json()["items"]

    assert (message["data"]["thin"], message["data"]["demand"]) == (True, {"ref": ref})
    assert "update" not in message["data"]


def test_what_is_about_no_demand_links_to_none():
    assert json.loads(a_message({"body": {}}, demand=None).body)["data"]["links"] == {"event": LINKS["event"]}
