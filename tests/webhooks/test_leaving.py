"""A demand that leaves what someone follows: they are told of that, and told when it is taken from view later on."""

import json

import pytest

from tests.factories import API, a_body, a_demand, a_draft, a_kind, an_organization, publish
from tests.webhooks.deliveries import a_webhook, delivering

HOOK = "http://127.0.0.1:9999/"
HIDDEN = {"state": "unpublished", "reason": "It named someone."}


def revise(client, ref, **values):
    answer = client.patch(f"{API}/demands/{ref}", json=values, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def unpublish(client, ref):
    assert client.put(f"{API}/demands/{ref}/publication", json=HIDDEN).status_code == 200


def polled(client, webhook):
    """The types of the messages about demands that the webhook may be sent at this moment."""
    messages = client.get(f"{API}/webhooks/{webhook['id']}/events").json()["items"]
    return [message["type"] for message in messages if message["type"].startswith("demand.")]


def ways_to_leave(ada):
    """Which word to follow by, what a demand has then, and what takes that away."""
    body, another = a_body(ada)["slug"], a_body(ada)["slug"]
    issuer, kind = an_organization(ada)["slug"], a_kind(ada)["slug"]
    targets = {"targets": [{"body": another, "role": "decides"}]}
    return {
        "tag": ("health", {"tags": ["health"]}, {"tags": ["water"]}),
        "body": (body, {"targets": [{"body": body, "role": "decides"}]}, targets),
        "issuer": (issuer, {"issuers": [issuer]}, {"issuers": []}),
        "kind": (kind, {"kind": kind}, {"kind": a_kind(ada)["slug"]}),
    }


@pytest.mark.parametrize("word", ["tag", "body", "issuer", "kind"])
def test_who_follows_by_what_a_demand_loses_learns_that_it_left_and_that_it_was_taken_from_view(ada, eve, word):
    value, has, loses = ways_to_leave(ada)[word]
    webhook = a_webhook(eve, HOOK, filters={word: [value]})
    ref = a_demand(ada, **has)["ref"]

    revise(ada, ref, **loses)
    revise(ada, ref, title="Another title")
    left = polled(eve, webhook)
    unpublish(ada, ref)

    assert left == ["demand.published", "demand.revised"]
    assert polled(eve, webhook) == ["demand.unpublished"]


def test_the_notice_is_delivered_whatever_the_types(app, ada, eve, receiver):
    a_webhook(eve, receiver.url("/204"), types=["demand.published"], filters={"tag": ["health"]})
    ref = a_demand(ada, tags=["health"])["ref"]

    with delivering(app):
        receiver.wait_for(1)

    revise(ada, ref, tags=[])
    unpublish(ada, ref)
    with delivering(app):
        receiver.wait_for(2)

    sent = [json.loads(request.body)["type"] for request in receiver.requests]
    assert sent == ["demand.published", "demand.unpublished"]


def redact(client, _):
    redaction = {"text": "Jan Janssen", "reason": "A court ordered it."}
    assert client.post(f"{API}/redactions", json=redaction).status_code == 201


@pytest.mark.parametrize(("take_back", "notice"), [(unpublish, "demand.unpublished"), (redact, "demand.redacted")])
def test_who_follows_something_else_now_is_told_of_what_was_sent_before(app, ada, eve, receiver, take_back, notice):
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.published"], filters={"tag": ["health"]})
    ref = a_demand(ada, tags=["health"], title="Release Jan Janssen")["ref"]
    a_demand(ada, tags=["water"])
    with delivering(app):
        receiver.wait_for(1)

    revised = eve.patch(f"{API}/webhooks/{webhook['id']}", json={"filters": {"tag": ["water"]}})
    take_back(ada, ref)
    with delivering(app):
        receiver.wait_for(2)

    assert revised.status_code == 200
    sent = [json.loads(request.body) for request in receiver.requests]
    assert [(message["type"], message["data"]["demand"]["ref"]) for message in sent] == [
        ("demand.published", ref),
        (notice, ref),
    ]


def test_the_feed_tells_the_same(ada, client):
    ref = a_demand(ada, tags=["health"])["ref"]
    revise(ada, ref, tags=[])
    before = [event["type"] for event in client.get(f"{API}/events", params={"tag": "health"}).json()["items"]]

    unpublish(ada, ref)

    after = [event["type"] for event in client.get(f"{API}/events", params={"tag": "health"}).json()["items"]]
    assert (before, after) == (["demand.published", "demand.revised"], ["demand.unpublished"])


def test_what_a_demand_was_before_anyone_was_shown_it_finds_nobody(ada, eve):
    webhook = a_webhook(eve, HOOK, filters={"tag": ["secret"]})
    ref = a_draft(ada, tags=["secret"])["ref"]
    publish(ada, ref, embargoed_until="2199-01-01T00:00:00Z")

    revise(ada, ref, tags=[])
    publish(ada, ref)
    unpublish(ada, ref)

    assert polled(eve, webhook) == []


def test_what_only_partners_were_told_finds_nobody_else(ada, client):
    ref = a_demand(ada, audience="partners", tags=["secret"])["ref"]

    revise(ada, ref, audience="public", tags=[])
    unpublish(ada, ref)

    assert client.get(f"{API}/events", params={"tag": "secret"}).json()["items"] == []


def test_partners_learn_that_it_left_though_the_same_edit_opened_it_to_all(ada, eve, client):
    webhook = a_webhook(eve, HOOK, filters={"tag": ["secret"]})
    ref = a_demand(ada, audience="partners", tags=["secret"])["ref"]

    revise(ada, ref, audience="public", tags=[])
    left = polled(eve, webhook)
    unpublish(ada, ref)

    assert left == ["demand.published", "demand.revised"]
    assert polled(eve, webhook) == ["demand.unpublished"]
    assert client.get(f"{API}/events", params={"tag": "secret"}).json()["items"] == []


def test_partners_are_told_of_the_redaction_of_what_only_they_were_sent(ada, client, client_for):
    partner, admin = client_for("partner", "eve-org"), client_for("admin")
    webhook = a_webhook(partner, HOOK, filters={"tag": ["secret"]})
    ref = a_demand(ada, audience="partners", tags=["secret"], title="Release Jan Janssen")["ref"]
    revise(ada, ref, audience="public", tags=[])

    redaction = {"text": "Jan Janssen", "reason": "A court ordered it.", "at_most": 1}
    assert admin.post(f"{API}/redactions", json=redaction).status_code == 201

    assert polled(partner, webhook)[-1] == "demand.redacted"
    assert client.get(f"{API}/events", params={"tag": "secret"}).json()["items"] == []


def test_who_follows_by_what_all_were_told_is_told_once(ada, eve):
    ref = a_demand(ada, audience="partners", tags=["health"])["ref"]
    webhook = a_webhook(eve, HOOK, filters={"demand": [ref]})

    revise(ada, ref, audience="public")
    revise(ada, ref, tags=[])
    unpublish(ada, ref)

    assert polled(eve, webhook) == ["demand.unpublished"]


def test_who_gains_a_demand_by_an_edit_is_told_that_it_was_published(ada, client_for):
    stranger, admin = client_for("partner", "stranger-org"), client_for("admin")
    assert admin.patch(f"{API}/organizations/stranger-org", json={"reads": "public"}).status_code == 200
    webhook = a_webhook(stranger, HOOK, types=["demand.published"])
    ref = a_demand(ada, audience="partners")["ref"]

    revise(ada, ref, title="Another title")
    before = polled(stranger, webhook)
    revise(ada, ref, audience="public")

    assert (before, polled(stranger, webhook)) == ([], ["demand.published"])
