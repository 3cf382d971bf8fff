"""A new secret, proven with the libraries that receivers use, on what came over the wire."""

import pytest
import standardwebhooks
import svix.webhooks

from app.fields import utc
from app.webhooks.models import WebhookSecret
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows

HOOK = "http://127.0.0.1:9999/"


def rotate(client, webhook, **body):
    answer = client.post(f"{API}/webhooks/{webhook['id']}/secret", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["secret"]


def accepted_by(request, secret):
    """Whether each of the libraries accepts the message."""
    try:
        standardwebhooks.Webhook(secret).verify(request.body, request.headers)
        first = True
    except standardwebhooks.WebhookVerificationError:
        first = False
    try:
        svix.webhooks.Webhook(secret).verify(request.body, request.headers)
        second = True
    except svix.webhooks.WebhookVerificationError:
        second = False
    return first, second


BOTH, NEITHER = (True, True), (False, False)


def test_during_the_grace_both_secrets_sign_and_after_it_the_new_one(app, database, ada, eve, receiver, time):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    old, new = webhook["secret"], rotate(eve, webhook, grace_hours=1)

    with delivering(app):
        note(ada, demand["ref"])
        receiver.wait_for(1)
    real = receiver.requests[0]
    time.forward(minutes=59)
    assert rows(database, WebhookSecret)[0].expires_at is not None
    with delivering(app):
        note(ada, demand["ref"])
        receiver.wait_for(2)
    signatures = [request.headers["webhook-signature"].split() for request in receiver.requests]

    assert old != new
    assert (accepted_by(real, old), accepted_by(real, new)) == (BOTH, BOTH)
    assert [len(each) for each in signatures] == [2, 2]


def test_without_grace_the_old_secret_ends_at_once(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    new = rotate(eve, webhook, grace_hours=0)

    with delivering(app):
        note(ada, demand["ref"])
        [request] = receiver.wait_for(1)

    assert (accepted_by(request, webhook["secret"]), accepted_by(request, new)) == (NEITHER, BOTH)


def test_after_the_grace_only_the_new_secret_signs(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    new = rotate(eve, webhook)
    [kept, _] = rows(database, WebhookSecret)
    with database.write() as session:
        session.get_one(WebhookSecret, kept.id).expires_at = kept.created_at  # the day has passed

    with delivering(app):
        note(ada, demand["ref"])
        [request] = receiver.wait_for(1)

    assert (accepted_by(request, webhook["secret"]), accepted_by(request, new)) == (NEITHER, BOTH)


def test_the_grace_is_a_day_unless_said_otherwise_and_can_only_be_shortened(database, eve):
    webhook = a_webhook(eve, HOOK)
    eve.post(f"{API}/webhooks/{webhook['id']}/secret")
    long_way = rows(database, WebhookSecret)[0]
    rotate(eve, webhook, grace_hours=2)
    first, second, _ = rows(database, WebhookSecret)

    assert 23 < (long_way.expires_at - long_way.created_at).total_seconds() / 3600 < 25
    assert 1 < (first.expires_at - first.created_at).total_seconds() / 3600 < 3
    assert second.expires_at == first.expires_at


def test_only_so_many_secrets_sign_and_without_grace_there_is_always_room(database, eve):
    webhook = a_webhook(eve, HOOK)
    rotate(eve, webhook)
    rotate(eve, webhook)

    refused = eve.post(f"{API}/webhooks/{webhook['id']}/secret", json={})
    ends_at = utc(min(secret.expires_at for secret in rows(database, WebhookSecret) if secret.expires_at))
    rotate(eve, webhook, grace_hours=0)
    rotate(eve, webhook)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-secrets")
    assert f"The first of them ends at {ends_at}" in refused.json()["detail"]
    assert refused.json()["ends_at"] == ends_at
    assert len(rows(database, WebhookSecret)) == 2


def test_repeating_the_request_with_its_key_rotates_once(database, eve):
    webhook = a_webhook(eve, HOOK)
    url, key = f"{API}/webhooks/{webhook['id']}/secret", {"Idempotency-Key": "once"}

    first, second = (eve.post(url, json={}, headers=key) for _ in range(2))

    assert first.json() == second.json()
    assert len(rows(database, WebhookSecret)) == 2


def test_the_secret_shows_nowhere_else(ada, eve):
    webhook = a_webhook(eve, HOOK)
    secret = rotate(eve, webhook)

    events = ada.get(f"{API}/events", params={"types": "webhook.secret_rotated"})

    assert len(events.json()["items"]) == 1
    for answer in (events, eve.get(f"{API}/webhooks/{webhook['id']}"), eve.get(f"{API}/webhooks")):
        assert secret not in answer.text


@pytest.mark.parametrize("hours", [-1, 169, 1.5, "soon", None])
def test_a_grace_that_cannot_be_is_refused(eve, hours):
    webhook = a_webhook(eve, HOOK)

    assert eve.post(f"{API}/webhooks/{webhook['id']}/secret", json={"grace_hours": hours}).status_code == 422
