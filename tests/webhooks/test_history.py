"""What was done to a webhook can be looked up: when, and by whom, as far as that is its organization's to know."""

import uuid

from app.webhooks import actions
from tests.factories import API, an_organization
from tests.webhooks.deliveries import a_webhook

HOOK = "http://127.0.0.1:9999/hook?token=4711"


def history(client, webhook, **query):
    answer = client.get(f"{API}/webhooks/{webhook['id']}/history", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def since(client, webhook, below=""):
    return client.get(f"{API}/webhooks/{webhook['id']}{below}").json()["state_since"]


def pause(client, webhook, paused=True):
    answer = client.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": paused})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_pause_of_yesterday_can_be_seen_today(eve, client_for, time):
    webhook = a_webhook(eve, HOOK)
    pause(client_for("partner", "eve-org"), webhook)
    time.forward(hours=2)
    pause(client_for("admin"), webhook, paused=False)
    time.forward(days=1)

    resumed, paused, created = history(eve, webhook)

    assert [entry["type"] for entry in (created, paused, resumed)] == [
        "webhook.created",
        "webhook.paused",
        "webhook.resumed",
    ]
    assert [entry["by"] for entry in (created, paused, resumed)] == ["organization", "organization", "staff"]
    assert [entry["webhook"]["state"] for entry in (created, paused, resumed)] == ["active", "paused", "active"]
    assert paused["recorded_at"][:13] < resumed["recorded_at"][:13]
    assert paused["what"] == "A webhook was paused."


def test_which_key_of_the_organization_it_was_is_told_and_nothing_of_anybody_elses(ada, client_for, client):
    admin = client_for("admin")
    an_organization(admin, slug="far-org", audience="staff", reads="public")
    first, second = client_for("partner", "far-org"), client_for("partner", "far-org")
    webhook = a_webhook(first, HOOK)
    pause(second, webhook)
    pause(admin, webhook, paused=False)

    resumed, paused, created = history(second, webhook)

    keys = [client.headers["Authorization"].removeprefix("Bearer ") for client in (first, second)]
    assert [entry["key"] for entry in (created, paused)] == [key.rpartition("_")[0] for key in keys]
    assert (paused["by"], resumed["by"], resumed["key"]) == ("organization", "staff", None)
    assert history(admin, webhook) == [resumed, paused, created]
    for hidden in ("4711", "ada-org", "person", webhook["secret"]):
        assert hidden not in str([resumed, paused, created])


def test_what_the_tracker_did_by_itself_says_so(eve, database):
    webhook = a_webhook(eve, HOOK)
    with database.write() as session:
        actions.warn_of_failures(session, uuid.UUID(webhook["id"]), 72)
        actions.disable_webhook(session, uuid.UUID(webhook["id"]), "The endpoint failed for five days.")

    disabled, failing, _ = history(eve, webhook)

    assert (failing["by"], failing["failing_hours"]) == ("tracker", 72)
    assert (disabled["by"], disabled["webhook"]["state_reason"]) == ("tracker", "The endpoint failed for five days.")


def test_a_webhook_tells_since_when_it_is_as_it_is(eve, time):
    webhook = a_webhook(eve, HOOK)
    time.forward(hours=1)
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"description": "y"})
    revised = since(eve, webhook)

    paused = pause(eve, webhook)
    time.forward(hours=1)
    again = pause(eve, webhook)

    assert revised == webhook["state_since"]
    assert revised < paused["state_since"] == again["state_since"]
    assert since(eve, webhook) == since(eve, webhook, "/health") == paused["state_since"]
    assert pause(eve, webhook, paused=False)["state_since"] > paused["state_since"]


def test_the_history_is_paged_and_nobody_elses(eve, ada, client_for):
    webhook, other = a_webhook(eve, HOOK), a_webhook(eve, HOOK)
    pause(eve, webhook)

    first = eve.get(f"{API}/webhooks/{webhook['id']}/history", params={"limit": 1})
    second = eve.get(first.links["next"]["url"])

    assert [item["type"] for page in (first, second) for item in page.json()["items"]] == [
        "webhook.paused",
        "webhook.created",
    ]
    assert second.json()["next_cursor"] is None
    assert [entry["type"] for entry in history(eve, other)] == ["webhook.created"]
    for stranger in (ada, client_for("partner")):
        assert stranger.get(f"{API}/webhooks/{webhook['id']}/history").status_code == 404
