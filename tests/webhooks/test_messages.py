"""What a message says, and how it stays small."""

import datetime
import json
import uuid

from app.fields import Audience
from app.ledger.reading import EventView
from app.webhooks.messages import LARGEST_BYTES, render

AT = datetime.datetime(2026, 11, 22, 9, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=4)))
ID = uuid.UUID("0198c1de-0000-7000-8000-000000000001")


def a_message(data, demand="NK-4"):
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
    return render(view, "https://demands.example/api/v1", "0123456789abcdef")


LINKS = {
    "event": "https://demands.example/api/v1/events?after=0123456789ab-6&limit=1",
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


def test_what_is_about_no_demand_links_to_none():
    assert json.loads(a_message({"body": {}}, demand=None).body)["data"]["links"] == {"event": LINKS["event"]}
