"""A message to try an endpoint with, and its answer at once."""

import standardwebhooks
import svix.webhooks

from app.webhooks.models import Attempt, Lane
from tests.factories import API
from tests.webhooks.deliveries import a_webhook, rows
from tests.webhooks.receiver import free_port


def send_test(client, webhook):
    answer = client.post(f"{API}/webhooks/{webhook['id']}/test")
    assert answer.status_code == 200, answer.text
    return answer.json()


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
