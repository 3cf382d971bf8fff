"""An endpoint proves that it is its organization's by echoing a challenge; until then it is sent nothing else."""

import asyncio
import json

import pytest
import standardwebhooks

from app.webhooks.models import Lane
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows, texts
from tests.webhooks.receiver import BEHAVIOURS

UPDATES = ["demand.update_added"]


def verify(client, webhook):
    answer = client.post(f"{API}/webhooks/{webhook['id']}/verification")
    assert answer.status_code == 200, answer.text
    return answer.json()


def state(client, webhook):
    read = client.get(f"{API}/webhooks/{webhook['id']}").json()
    return read["state"], read["verified_at"] is not None


def test_until_it_echoes_the_challenge_a_webhook_gets_nothing_and_then_what_it_waited_for(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/echo"), types=UPDATES, verify=True)

    with delivering(app):
        note(ada, ref, "While it waits.")
    before = list(receiver.requests)
    answer = verify(eve, webhook)
    with delivering(app):
        note(ada, ref, "After it.")
        challenged, *requests = receiver.wait_for(3)

    assert (webhook["state"], webhook["verified_at"], before) == ("unverified", None, [])
    assert (answer["verified"], answer["outcome"], answer["status"]) == (True, "delivered", 200)
    assert state(eve, webhook) == ("active", True)
    assert texts(requests) == ["While it waits.", "After it."]
    message = standardwebhooks.Webhook(webhook["secret"]).verify(challenged.body, challenged.headers)
    assert message["type"] == "webhook.verification"
    assert message["data"]["webhook"] == {"id": webhook["id"]}


@pytest.mark.parametrize("path", ["/echo", "/echo-json"])
def test_the_challenge_is_another_each_time_and_may_be_echoed_bare_or_as_json(eve, receiver, path):
    webhook = a_webhook(eve, receiver.url(path), verify=True)

    assert [verify(eve, webhook)["verified"] for _ in range(2)] == [True, True]

    first, second = (json.loads(request.body)["data"]["challenge"] for request in receiver.requests)
    assert first != second
    assert len(first) >= 32


@pytest.mark.parametrize("path", ["/204", "/hello", "/echo-whole", "/500", "/410", "/redirect", "/reset", "/nul"])
def test_without_the_echo_it_waits_on_and_can_be_tried_again(eve, receiver, path):
    webhook = a_webhook(eve, receiver.url(path), verify=True)

    answer = verify(eve, webhook)

    assert answer["verified"] is False
    assert answer["detail"]
    assert state(eve, webhook) == ("unverified", False)
    if answer["outcome"] == "delivered":
        assert "neither the challenge nor a JSON object" in answer["detail"]
    receiver.script(path, "echo")
    assert verify(eve, webhook)["verified"] is True
    assert state(eve, webhook) == ("active", True)


def test_a_new_url_is_to_be_proven_again(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/echo"), types=UPDATES, verify=True)
    verify(eve, webhook)
    url = f"{API}/webhooks/{webhook['id']}"

    eve.patch(url, json={"url": receiver.url("/echo"), "description": "The same URL."})
    same = state(eve, webhook)
    eve.patch(url, json={"url": receiver.url("/204")})
    with delivering(app):
        note(ada, ref)

    assert same == ("active", True)
    assert state(eve, webhook) == ("unverified", False)
    assert [request.path for request in receiver.requests] == ["/echo"]


@pytest.mark.parametrize("urls", [1, 2], ids=["a new URL", "another again"])
def test_a_paused_one_is_paused_again_once_its_new_url_is_proven(app, ada, eve, receiver, urls):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/echo"), types=UPDATES, verify=True)
    verify(eve, webhook)
    url = f"{API}/webhooks/{webhook['id']}"
    eve.put(f"{url}/paused", json={"paused": True})

    for number in range(urls):
        eve.patch(url, json={"url": receiver.url("/echo?new") + str(number)})
    moved = state(eve, webhook)
    verify(eve, webhook)
    with delivering(app):
        note(ada, ref)

    assert (moved, state(eve, webhook)) == (("unverified", False), ("paused", True))
    assert len(receiver.requests) == 2
    assert eve.put(f"{url}/paused", json={"paused": False}).json()["state"] == "active"
    eve.patch(url, json={"url": receiver.url("/echo")})
    verify(eve, webhook)
    assert state(eve, webhook) == ("active", True)


def test_one_that_is_to_begin_paused_is_so_once_it_is_proven(eve, receiver):
    webhook = a_webhook(eve, receiver.url("/echo"), verify=True, paused=True)

    verify(eve, webhook)

    assert (webhook["state"], state(eve, webhook)) == ("unverified", ("paused", True))


def test_an_echo_from_the_url_before_proves_nothing(eve, receiver, monkeypatch):
    webhook = a_webhook(eve, receiver.url("/moves"), verify=True)
    url = f"{API}/webhooks/{webhook['id']}"

    async def moves(request, writer):
        await asyncio.to_thread(eve.patch, url, json={"url": receiver.url("/204")})
        await BEHAVIOURS["echo"](request, writer)

    monkeypatch.setitem(BEHAVIOURS, "moves", moves)
    answer = eve.post(f"{url}/verification")

    assert answer.status_code == 409
    assert state(eve, webhook) == ("unverified", False)


def test_it_cannot_be_tried_paused_or_let_go_on_in_another_way(app, database, eve, receiver):
    webhook = a_webhook(eve, receiver.url("/echo"), verify=True)
    url = f"{API}/webhooks/{webhook['id']}"

    for answer in (
        eve.post(f"{url}/test"),
        eve.put(f"{url}/paused", json={"paused": True}),
        eve.put(f"{url}/paused", json={"paused": False}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/webhook-unverified")
        assert "POST …/verification" in answer.json()["detail"]
    assert state(eve, webhook) == ("unverified", False)
    assert receiver.requests == []
    assert [lane.ready_at for lane in rows(database, Lane)] == [None]


def test_an_operator_can_ask_it_of_every_webhook(database, eve, receiver, monkeypatch):
    monkeypatch.setattr(database, "settings", database.settings.model_copy(update={"webhook_verify": True}))
    webhook = a_webhook(eve, receiver.url("/echo"))

    assert webhook["state"] == "unverified"
    assert verify(eve, webhook)["verified"] is True
    moved = eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.url("/204")}).json()
    assert moved["state"] == "unverified"


def test_a_webhook_that_need_not_can_prove_it_later(ada, eve, receiver):
    webhook = a_webhook(eve, receiver.url("/echo"))

    assert state(eve, webhook) == ("active", False)
    assert verify(eve, webhook)["verified"] is True
    assert state(eve, webhook) == ("active", True)
    events = ada.get(f"{API}/events", params={"types": "webhook.verified"}).json()["items"]
    assert [event["data"]["webhook"]["id"] for event in events] == [webhook["id"]]


def test_a_stranger_cannot_send_challenges(client_for, eve, receiver):
    webhook = a_webhook(client_for("partner"), receiver.url("/echo"), verify=True)

    assert eve.post(f"{API}/webhooks/{webhook['id']}/verification").status_code == 404
    assert receiver.requests == []
