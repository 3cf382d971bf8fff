"""A message to try an endpoint with, and its answer at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import standardwebhooks
import svix.webhooks

from app.webhooks import names
from app.webhooks.models import Attempt, Lane
from tests.factories import API
from tests.webhooks.deliveries import a_webhook, rows, wait_until
from tests.webhooks.receiver import free_port

PATHS = ["test", "verification"]


def send_test(client, webhook):
    answer = client.post(f"{API}/webhooks/{webhook['id']}/test")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(client, webhook, path="test", key="one"):
    return client.post(f"{API}/webhooks/{webhook['id']}/{path}", headers={"Idempotency-Key": key})


def being_looked_up():
    return [thread for thread in threading.enumerate() if "lookup of slow" in thread.name]


def test_a_test_is_signed_and_shows_the_answer(eve, receiver):
    webhook = a_webhook(eve, receiver.url("/hello"))

    shown = send_test(eve, webhook)

    [request] = receiver.requests
    message = standardwebhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)
    svix.webhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)  # raises where it does not fit
    assert message["type"] == "webhook.test"
    assert message["data"] == {"webhook": {"id": webhook["id"]}}
    assert shown["event"] == request.headers["webhook-id"]
    assert shown["request_headers"]["webhook-signature"] == request.headers["webhook-signature"]
    assert (shown["outcome"], shown["status"], shown["response_body"]) == ("delivered", 200, "Hello")
    assert (shown["detail"], shown["remote_address"]) == ("200 OK", "127.0.0.1")


def test_a_test_is_no_event_and_leaves_the_lane_alone(database, ada, eve, receiver):
    webhook = a_webhook(eve, receiver.url("/500"))
    head, [lane] = ada.get(f"{API}/ledger").json(), rows(database, Lane)

    assert send_test(eve, webhook)["outcome"] == "retry"

    assert ada.get(f"{API}/ledger").json() == head
    assert rows(database, Lane) == [lane]
    assert rows(database, Attempt) == []


def test_a_test_says_why_there_is_no_answer(eve):
    webhook = a_webhook(eve, f"http://127.0.0.1:{free_port()}/")

    shown = send_test(eve, webhook)

    assert (shown["status"], shown["error"]) == (None, "connect")
    assert shown["detail"].startswith("No connection")


def test_a_paused_webhook_can_be_tried(eve, receiver):
    webhook = a_webhook(eve, receiver.url("/204"))
    eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": True})

    assert send_test(eve, webhook)["status"] == 204


def test_each_test_is_a_message_of_its_own(eve, receiver):
    webhook = a_webhook(eve, receiver.url("/204"))

    assert send_test(eve, webhook)["event"] != send_test(eve, webhook)["event"]


@pytest.mark.parametrize("path", PATHS)
def test_asked_for_again_with_its_idempotency_key_a_message_is_sent_once(eve, receiver, path):
    webhook = a_webhook(eve, receiver.url("/echo"))

    first, again, another = (ask(eve, webhook, path, key) for key in ("one", "one", "two"))

    assert [answer.status_code for answer in (first, again, another)] == [200] * 3
    assert again.content == first.content
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert len(receiver.requests) == 2


def test_while_a_message_is_on_its_way_its_idempotency_key_sends_no_other(eve, receiver):
    webhook = a_webhook(eve, receiver.url("/waits-for-a-word"))

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, eve, webhook)
        receiver.wait_for(1)
        meanwhile = ask(eve, webhook)
        receiver.say(204)

    assert (meanwhile.status_code, meanwhile.json()["type"]) == (409, "/problems/under-way")
    assert ask(eve, webhook).json() == first.result().json()
    assert len(receiver.requests) == 1


def test_what_was_refused_may_be_asked_for_again_with_its_idempotency_key(eve, receiver):
    webhook = a_webhook(eve, receiver.url("/echo"), verify=True)

    refused = ask(eve, webhook)
    verified = ask(eve, webhook, "verification", "two")

    assert (refused.status_code, verified.json()["verified"]) == (409, True)
    assert ask(eve, webhook).json()["outcome"] == "delivered"


def test_names_that_nobody_answers_for_take_up_only_their_share_of_the_places(
    app, client_for, eve, receiver, slow_names, monkeypatch
):
    monkeypatch.setattr(names, "_REMEMBER_ADDRESSES_SECONDS", 0.0)
    monkeypatch.setitem(app.state._state, "names", names.Names(places=4))
    urls = [receiver.url().replace("127.0.0.1", f"slow-{number}.test") for number in range(4)]
    waiting = [a_webhook(eve, url) for url in urls]
    other = client_for("partner", "others")
    answering = a_webhook(other, receiver.url().replace("127.0.0.1", "quick.test"))

    slow_names.clear()
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(ask, eve, *each) for each in zip(waiting, PATHS * 2, urls, strict=True)]
        wait_until(lambda: len(being_looked_up()) >= 2)
        assert send_test(other, answering)["outcome"] == "delivered"
        assert len(being_looked_up()) == 2
        slow_names.set()

    assert [answer.result().json()["outcome"] for answer in sent] == ["delivered"] * 4
