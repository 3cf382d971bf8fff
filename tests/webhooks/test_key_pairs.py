"""Signatures with a key pair, proven by `cryptography` as the specification says, on what came over the wire."""

from base64 import b64decode

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.webhooks.models import WebhookSecret
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows
from tests.webhooks.test_rotating import rotate

HOOK = "http://127.0.0.1:9999/"


def proves(public_key, request):
    """Whether one of the message's signatures `v1a` is of this key."""
    assert public_key.startswith("whpk_")
    key = Ed25519PublicKey.from_public_bytes(b64decode(public_key.removeprefix("whpk_"), validate=True))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    for signature in request.headers["webhook-signature"].split(" "):
        version, _, encoded = signature.partition(",")
        try:
            key.verify(b64decode(encoded, validate=True), signed)
        except InvalidSignature:
            continue
        return version == "v1a"
    return False


def public_key_of(client, webhook):
    answer = client.get(f"{API}/webhooks/{webhook['id']}/public-key")
    assert answer.status_code == 200, answer.text
    return answer.json()


def versions(request):
    return [signature.partition(",")[0] for signature in request.headers["webhook-signature"].split(" ")]


def test_a_message_is_signed_with_the_secret_and_with_the_key_pair(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"], v1a=True)

    with delivering(app):
        note(ada, ref)
        [request] = receiver.wait_for(1)

    assert versions(request) == ["v1", "v1a"]
    assert proves(public_key_of(eve, webhook)["public_key"], request)
    standardwebhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)
    svix.webhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)  # raises where it does not fit
    assert webhook["public_key"] == public_key_of(eve, webhook)["public_key"]


def test_of_another_webhook_or_a_changed_message_it_proves_nothing(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"], v1a=True)
    other = a_webhook(eve, HOOK, types=["demand.cited"], v1a=True)

    with delivering(app):
        note(ada, ref)
        [request] = receiver.wait_for(1)

    assert not proves(other["public_key"], request)
    request.headers["webhook-timestamp"] += "0"
    assert not proves(webhook["public_key"], request)


def test_while_keys_rotate_old_and_new_prove_each_message_and_after_the_grace_only_the_new(
    app, ada, eve, receiver, time
):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"], v1a=True)
    old = webhook["public_key"]
    rotate(eve, webhook, grace_hours=1)
    shown = public_key_of(eve, webhook)

    with delivering(app):
        note(ada, ref)
        receiver.wait_for(1)
    time.forward(hours=2)
    with delivering(app):
        note(ada, ref)
        during, after = receiver.wait_for(2)

    assert [previous["public_key"] for previous in shown["previous"]] == [old]
    assert versions(during) == ["v1", "v1a", "v1", "v1a"]
    assert proves(old, during)
    assert proves(shown["public_key"], during)
    assert not proves(old, after)
    assert proves(shown["public_key"], after)
    assert public_key_of(eve, webhook)["previous"] == []


def test_a_receiver_without_any_key_can_fetch_the_public_key_and_learns_nothing_else(eve, client):
    webhook = a_webhook(eve, HOOK, v1a=True)
    rotate(eve, webhook, grace_hours=1)

    shown = public_key_of(client, webhook)

    assert shown == public_key_of(eve, webhook)
    assert set(shown) == {"public_key", "previous"}
    assert client.get(f"{API}/webhooks/{webhook['id']}").status_code == 401


def test_without_a_key_pair_nobody_learns_whether_there_is_such_a_webhook(eve, client):
    there = a_webhook(eve, HOOK)["id"]
    nowhere = "00000000-0000-7000-8000-000000000000"

    of_one, of_none = (client.get(f"{API}/webhooks/{webhook}/public-key") for webhook in (there, nowhere))

    assert (of_one.status_code, of_none.status_code) == (404, 404)
    assert of_one.text.replace(there, nowhere) == of_none.text


def test_a_webhook_can_begin_and_cease_to_sign_with_a_key_pair(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    url = f"{API}/webhooks/{webhook['id']}"

    without = eve.get(f"{url}/public-key")
    assert eve.patch(url, json={"v1a": True}).json()["v1a"] is True
    public_key = public_key_of(eve, webhook)["public_key"]
    eve.patch(url, json={"v1a": True})
    with delivering(app):
        note(ada, ref)
        receiver.wait_for(1)
    eve.patch(url, json={"v1a": False})
    with delivering(app):
        note(ada, ref)
        signed, unsigned = receiver.wait_for(2)

    assert (without.status_code, webhook["public_key"]) == (404, None)
    assert proves(public_key, signed)
    assert versions(unsigned) == ["v1"]
    assert eve.get(f"{url}/public-key").status_code == 404
    standardwebhooks.Webhook(webhook["secret"]).verify(unsigned.body, unsigned.headers)


def test_a_rotation_shows_the_new_public_key(eve):
    webhook = a_webhook(eve, HOOK, v1a=True)

    made = eve.post(f"{API}/webhooks/{webhook['id']}/secret").json()

    assert made["public_key"] == public_key_of(eve, webhook)["public_key"] != webhook["public_key"]
    assert eve.post(f"{API}/webhooks/{a_webhook(eve, HOOK)['id']}/secret").json()["public_key"] is None


def test_the_private_key_is_kept_encrypted_and_never_shown(app, database, eve):
    webhook = a_webhook(eve, HOOK, v1a=True)
    [kept] = rows(database, WebhookSecret)
    private = app.state.vault.open(kept.sealed_key).decode()

    assert private.startswith("whsk_")
    assert private.removeprefix("whsk_").encode() not in kept.sealed_key
    for path in ("", "/public-key"):
        assert private not in eve.get(f"{API}/webhooks/{webhook['id']}{path}").text
    assert "whsk_" not in str(webhook)


@pytest.mark.parametrize("wish", ["yes please", None, 3])
def test_what_is_neither_yes_nor_no_is_refused(eve, wish):
    answer = eve.post(f"{API}/webhooks", json={"url": HOOK, "v1a": wish})

    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "body.v1a")
