"""Webhooks as partners set them up: their organization's own, with a secret that is shown once."""

import uuid
from ipaddress import ip_network
from typing import Any

import pytest

from app.vault import open_vault
from app.webhooks.models import Subscription, Webhook, WebhookSecret
from tests.factories import API, a_body, a_campaign, a_demand, a_draft, a_kind, an_organization
from tests.statements import asked
from tests.webhooks.deliveries import a_webhook, delivering, note, rows, texts

HOOK = "http://127.0.0.1:9999/hook?token=4711"


def refusal(client, **new):
    answer = client.post(f"{API}/webhooks", json={"url": HOOK, **new})
    assert answer.status_code == 422, answer.text
    return answer.json()["detail"]


def test_a_webhook_reads_as_it_was_created_but_for_its_secret(ada, eve):
    campaign = a_campaign(ada)["slug"]

    made = a_webhook(
        eve, HOOK, types=["demand.status_changed"], filters={"campaign": [campaign], "disputed": False}, description="x"
    )

    assert made.pop("secret").startswith("whsec_")
    assert made.pop("public_key") is None
    assert made == {
        "id": made["id"],
        "organization": "eve-org",
        "url": HOOK,
        "description": "x",
        "contact_email": None,
        "types": ["demand.status_changed"],
        "filters": {"campaign": [campaign], "disputed": False},
        "payload": "full",
        "header_names": [],
        "v1a": False,
        "state": "active",
        "state_reason": None,
        "state_since": made["state_since"],
        "verified_at": None,
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
    }
    read = eve.get(f"{API}/webhooks/{made['id']}")
    assert (read.json(), read.headers["ETag"]) == (made, '"1"')
    assert eve.get(f"{API}/webhooks").json() == {"items": [made], "next_cursor": None}


@pytest.mark.parametrize("name", ["webhook.failing", "demand.taken_down", "key.created"])
def test_a_type_that_its_organization_will_never_be_told_of_is_refused_by_name(ada, eve, name):
    made = a_webhook(eve, HOOK, types=["demand.published"])
    types = ["demand.published", name]

    revised = eve.patch(f"{API}/webhooks/{made['id']}", json={"types": types})

    assert name in refusal(eve, types=types)
    assert (revised.status_code, revised.json()["errors"][0]["where"]) == (422, "body.types")
    assert "demand.published" not in revised.json()["detail"]


def test_an_organization_that_reads_what_staff_read_may_choose_any_type(client_for):
    admin = client_for("admin")
    an_organization(admin, slug="watch-org", reads="staff")

    made = a_webhook(client_for("partner", "watch-org"), HOOK, types=["webhook.failing"])

    assert made["types"] == ["webhook.failing"]


def test_a_url_is_all_that_it_needs(eve):
    made = a_webhook(eve, HOOK)

    assert (made["types"], made["filters"], made["description"]) == ([], {}, None)


def test_one_that_begins_paused_is_sent_nothing_until_it_is_let_go_on(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    made = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"], paused=True)
    here = eve.get(f"{API}/webhooks/{made['id']}/events", params={"after": "now"}).json()
    note(ada, ref, "one")
    with delivering(app):
        pass
    sent_while_paused = list(receiver.requests)

    fetched = eve.get(f"{API}/webhooks/{made['id']}/events", params={"after": here["next_cursor"]}).json()["items"]
    eve.put(f"{API}/webhooks/{made['id']}/paused", json={"paused": False})
    with delivering(app):
        receiver.wait_for(1)

    assert (made["state"], here["items"], sent_while_paused) == ("paused", [], [])
    assert [message["data"]["update"]["text"] for message in fetched] == texts(receiver.requests) == ["one"]


def test_one_that_has_to_be_verified_does_not_begin_paused(eve):
    made = a_webhook(eve, HOOK, paused=True, verify=True)

    assert made["state"] == "unverified"
    assert eve.put(f"{API}/webhooks/{made['id']}/paused", json={"paused": False}).status_code == 409


def test_the_answer_says_where_it_is(eve):
    answer = eve.post(f"{API}/webhooks", json={"url": HOOK})

    assert answer.headers["Location"] == f"/api/v1/webhooks/{answer.json()['id']}"
    assert answer.headers["ETag"] == '"1"'


def test_one_value_of_a_word_needs_no_list(ada, eve):
    campaign = a_campaign(ada)["slug"]

    assert a_webhook(eve, HOOK, filters={"campaign": campaign})["filters"] == {"campaign": [campaign]}


def test_the_database_keeps_the_secret_encrypted(app, database, settings, eve):
    secret = a_webhook(eve, HOOK)["secret"].encode()

    [kept] = rows(database, WebhookSecret)

    assert secret not in kept.sealed
    assert secret.removeprefix(b"whsec_") not in kept.sealed
    assert open_vault(settings).open(kept.sealed) == secret


def test_repeating_the_request_with_its_key_makes_one_webhook_and_shows_the_same_secret(eve):
    first, second = (
        eve.post(f"{API}/webhooks", json={"url": HOOK}, headers={"Idempotency-Key": "once"}) for _ in range(2)
    )

    assert first.json() == second.json()
    assert len(eve.get(f"{API}/webhooks").json()["items"]) == 1


def test_webhooks_are_for_partners_and_those_above(client, client_for):
    made = a_webhook(client_for("partner"), HOOK)["id"]
    doors = [("GET", ""), ("POST", ""), ("GET", f"/{made}"), ("PATCH", f"/{made}"), ("DELETE", f"/{made}")]
    viewer = client_for("viewer")

    for method, path in doors:
        body = {"json": {"url": HOOK}} if method in ("POST", "PATCH") else {}
        assert client.request(method, f"{API}/webhooks{path}", **body).status_code == 401
        assert viewer.request(method, f"{API}/webhooks{path}", **body).status_code == 403


def test_a_stranger_finds_none(client_for, eve):
    made = a_webhook(client_for("partner"), HOOK)["id"]

    assert eve.get(f"{API}/webhooks").json()["items"] == []
    for webhook_id in (made, uuid.uuid4()):
        assert eve.get(f"{API}/webhooks/{webhook_id}").status_code == 404
        assert eve.patch(f"{API}/webhooks/{webhook_id}", json={"description": "mine"}).status_code == 404
        assert eve.delete(f"{API}/webhooks/{webhook_id}").status_code == 404


def test_an_editor_of_another_organization_is_a_stranger_and_an_admin_is_not(client_for, eve, ada):
    made = a_webhook(eve, HOOK)["id"]

    assert ada.get(f"{API}/webhooks/{made}").status_code == 404
    assert client_for("admin").get(f"{API}/webhooks/{made}").json()["organization"] == "eve-org"
    assert [item["id"] for item in client_for("admin").get(f"{API}/webhooks").json()["items"]] == [made]


def test_an_admin_looks_up_the_webhooks_of_one_organization_and_those_in_some_states(client_for, eve):
    admin = client_for("admin")
    a_webhook(client_for("partner"), HOOK)
    active, paused = (a_webhook(eve, HOOK, paused=paused)["id"] for paused in (False, True))

    def listed(client, **query):
        return [item["id"] for item in client.get(f"{API}/webhooks", params=query).json()["items"]]

    assert listed(admin, organization="eve-org") == [paused, active]
    assert listed(admin, organization="eve-org", state="paused") == [paused]
    assert listed(eve, state=["active", "disabled"]) == [active]
    assert listed(eve, organization="ada-org") == []
    unknown = admin.get(f"{API}/webhooks", params={"organization": "nobody"})
    assert (unknown.status_code, unknown.json()["detail"][:18]) == (422, "query.organization")


def test_an_admin_sets_one_up_for_an_organization_which_then_has_it(client_for, eve):
    admin = client_for("admin")
    an_organization(admin, slug="far-org")

    made = a_webhook(admin, HOOK, organization="eve-org")

    assert (made["organization"], eve.get(f"{API}/webhooks").json()["items"][0]["id"]) == ("eve-org", made["id"])
    assert a_webhook(eve, HOOK, organization="eve-org")["organization"] == "eve-org"
    for another in ("far-org", "nobody"):
        assert eve.post(f"{API}/webhooks", json={"url": HOOK, "organization": another}).status_code == 403
    assert "there is no organization nobody" in refusal(admin, organization="nobody")


def test_what_an_admin_sets_up_for_another_is_no_more_than_that_may_have(ada, client_for, database, monkeypatch):
    admin, draft = client_for("admin"), a_draft(ada)["ref"]
    an_organization(admin, slug="far-org", reads="public")
    monkeypatch.setattr(database, "settings", database.settings.model_copy(update={"webhooks_per_organization": 1}))

    assert "there is no demand" in refusal(admin, organization="far-org", filters={"demand": [draft]})
    assert "only staff" in refusal(admin, organization="far-org", types=["webhook.failing"])
    a_webhook(admin, HOOK, organization="far-org")
    assert admin.post(f"{API}/webhooks", json={"url": HOOK, "organization": "far-org"}).status_code == 409


def test_the_newest_are_listed_first_page_by_page(eve):
    made = [a_webhook(eve, HOOK)["id"] for _ in range(3)]

    first = eve.get(f"{API}/webhooks", params={"limit": 2})
    second = eve.get(first.links["next"]["url"])

    assert [item["id"] for page in (first, second) for item in page.json()["items"]] == made[::-1]
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("new", "named"),
    [
        (
            {"types": ["demand.exploded"]},
            "no event type demand.exploded; `GET /api/v1/event-types` lists them",
        ),
        ({"filters": {"colour": ["red"]}}, "body.filters.colour: there is no such member; there are body, campaign, "),
        ({"filters": {"status": ["wished_for"]}}, "body.filters.status"),
        ({"filters": {"group": ["wished_for"]}}, "body.filters.group"),
        ({"filters": {"campaign": ["nowhere"]}}, "body.filters.campaign: there is no campaign nowhere"),
        ({"filters": {"kind": ["nothing"]}}, "body.filters.kind: there is no kind nothing"),
        ({"filters": {"body": ["nobody"]}}, "body.filters.body: there is no body nobody"),
        ({"filters": {"issuer": ["nobody"]}}, "body.filters.issuer: there is no organization nobody"),
        ({"filters": {"demand": ["NK-99"]}}, "body.filters.demand: there is no demand NK-99"),
        ({"filters": {"tag": []}}, "body.filters.tag"),
        ({"filters": {"disputed": "perhaps"}}, "body.filters.disputed"),
        ({"colour": "red"}, "body.colour"),
        ({"payload": "fat"}, "body.payload"),
        ({"contact_email": "nobody"}, "body.contact_email"),
        ({"contact_email": "x" * 250 + "@partner.example"}, "body.contact_email"),
        ({"url": "ftp://127.0.0.1/"}, "body.url: The URL must begin with https://."),
        ({"url": "http://169.254.169.254/latest"}, "body.url: Address not allowed: 169.254.169.254."),
        ({"url": "https://me:secret@127.0.0.1/"}, "body.url: The URL may not contain a user name"),
        ({"url": "https://127.0.0.1/" + "x" * 3000}, "body.url"),
        ({"url": "https://xn--/"}, "body.url: The host xn-- does not exist"),
    ],
)
def test_what_cannot_be_is_refused_by_name(eve, new, named):
    assert named in refusal(eve, **new)


def test_a_filter_does_not_tell_what_is_hidden(ada, eve):
    draft = a_draft(ada)["ref"]
    hidden = an_organization(ada, audience="staff")["slug"]

    assert f"there is no demand {draft}" in refusal(eve, filters={"demand": [draft]})
    assert f"there is no organization {hidden}" in refusal(eve, filters={"issuer": [hidden]})


def test_a_filter_is_checked_with_the_eyes_of_the_organization_rather_than_of_who_sets_it(ada, client_for):
    draft, hidden = a_draft(ada)["ref"], an_organization(ada, audience="staff")["slug"]
    admin = client_for("admin")
    an_organization(admin, slug="far-org", reads="public")
    an_organization(admin, slug="watch-org", reads="staff")
    campaigner = client_for("campaigner", "far-org")
    url = f"{API}/webhooks/{a_webhook(campaigner, HOOK)['id']}"

    for filters in ({"demand": [draft]}, {"issuer": [hidden]}):
        assert "there is no" in refusal(campaigner, filters=filters)
        assert campaigner.patch(url, json={"filters": filters}).status_code == 422
        assert admin.patch(url, json={"filters": filters}).status_code == 422
        assert a_webhook(client_for("partner", "watch-org"), HOOK, filters=filters)["filters"] == filters
    assert a_webhook(campaigner, HOOK, filters={"issuer": ["far-org"]})["filters"] == {"issuer": ["far-org"]}


def test_the_url_is_checked_against_the_networks_that_the_operator_allows(app, eve, monkeypatch):
    closed = app.state.settings.model_copy(update={"webhook_allow_networks": (ip_network("10.0.0.0/8"),)})
    monkeypatch.setitem(app.state._state, "settings", closed)

    assert "Address not allowed: 127.0.0.1." in refusal(eve)


def test_an_organization_has_only_so_many(app, database, eve, ada, monkeypatch):
    monkeypatch.setattr(database, "settings", database.settings.model_copy(update={"webhooks_per_organization": 2}))
    first, _ = (a_webhook(eve, HOOK)["id"] for _ in range(2))

    refused = eve.post(f"{API}/webhooks", json={"url": HOOK})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-webhooks")
    assert "2 webhooks" in refused.json()["detail"]
    assert ada.post(f"{API}/webhooks", json={"url": HOOK}).status_code == 201
    assert eve.delete(f"{API}/webhooks/{first}").status_code == 204
    assert eve.post(f"{API}/webhooks", json={"url": HOOK}).status_code == 201


def test_revising_merges_the_filters_word_by_word(ada, eve):
    campaign, kind, body = a_campaign(ada)["slug"], a_kind(ada)["slug"], a_body(ada)["slug"]
    made = a_webhook(eve, HOOK, types=["demand.cited"], filters={"campaign": [campaign], "kind": [kind]})
    url = f"{API}/webhooks/{made['id']}"

    revised = eve.patch(url, json={"filters": {"kind": None, "body": [body]}, "description": "y"}).json()

    assert revised["filters"] == {"campaign": [campaign], "body": [body]}
    assert (revised["types"], revised["description"], revised["version"]) == (["demand.cited"], "y", 2)
    assert eve.patch(url, json={"filters": None, "types": None}).json()["filters"] == {}
    assert eve.get(url).json()["types"] == []
    assert "secret" not in revised


@pytest.mark.parametrize(("revision", "is_said_anew"), [({"description": "y"}, False), ({"types": []}, True)])
def test_what_a_webhook_wakes_for_is_written_anew_only_when_it_was_revised(eve, revision, is_said_anew):
    url = f"{API}/webhooks/{a_webhook(eve, HOOK, types=['demand.cited'])['id']}"

    with asked() as statements:
        assert eve.patch(url, json=revision).status_code == 200

    assert any("INTO webhook_subscription" in statement for statement, _ in statements) is is_said_anew


def test_whom_to_tell_is_for_its_organization_and_not_for_the_ledger(ada, eve):
    made = a_webhook(eve, HOOK, contact_email="Hooks@Partner.example")
    url = f"{API}/webhooks/{made['id']}"

    assert eve.get(url).json()["contact_email"] == "Hooks@partner.example"
    assert eve.patch(url, json={"description": "y"}).json()["contact_email"] == "Hooks@partner.example"
    assert eve.patch(url, json={"contact_email": "night@partner.example"}).json()["contact_email"][:5] == "night"
    assert "partner.example" not in ada.get(f"{API}/events").text
    assert eve.patch(url, json={"contact_email": None}).json()["contact_email"] is None


def test_a_revision_that_says_nothing_changes_nothing(eve):
    made = a_webhook(eve, HOOK)

    assert eve.patch(f"{API}/webhooks/{made['id']}", json={}).json()["version"] == 1


def test_a_revision_that_says_what_is_so_already_changes_nothing(ada, eve):
    campaign = a_campaign(ada)["slug"]
    so_already: dict[str, Any] = {
        "url": HOOK,
        "description": "y",
        "types": ["demand.cited"],
        "filters": {"campaign": [campaign]},
        "payload": "thin",
        "v1a": True,
        "contact_email": "night@partner.example",
    }
    made = a_webhook(eve, **so_already, headers={"X-Token": "1"})
    url = f"{API}/webhooks/{made['id']}"
    end = ada.get(f"{API}/ledger").json()

    same = eve.patch(url, json={**so_already, "headers": {"X-Other": None}})

    assert (same.status_code, same.json()["version"]) == (200, 1)
    assert ada.get(f"{API}/ledger").json() == end
    assert eve.patch(url, json={**so_already, "headers": {"X-Token": "2"}}).json()["version"] == 2


def test_an_edit_in_between_is_noticed(eve):
    url = f"{API}/webhooks/{a_webhook(eve, HOOK)['id']}"
    eve.patch(url, json={"description": "one"}, headers={"If-Match": '"1"'})

    late = eve.patch(url, json={"description": "two"}, headers={"If-Match": '"1"'})

    assert late.status_code == 412
    assert eve.get(url).json()["description"] == "one"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", "/paused", {"paused": True}), ("POST", "/secret", {}), ("DELETE", "", None)],
)
def test_an_edit_in_between_is_noticed_by_whatever_else_changes_a_webhook(eve, method, path, body):
    url = f"{API}/webhooks/{a_webhook(eve, HOOK)['id']}"
    eve.patch(url, json={"description": "one"})

    def ask(tag):
        return eve.request(method, url + path, json=body, headers={"If-Match": tag}).status_code

    assert (ask('"1"'), eve.get(url).json()["version"]) == (412, 2)
    assert ask('"2"') in (200, 201, 204)


def test_a_revised_url_is_checked_too(eve):
    url = f"{API}/webhooks/{a_webhook(eve, HOOK)['id']}"

    assert eve.patch(url, json={"url": "http://10.0.0.1/"}).status_code == 422
    assert eve.patch(url, json={"url": None}).status_code == 422
    assert eve.patch(url, json={"url": "http://127.0.0.1:9999/new"}).json()["url"] == "http://127.0.0.1:9999/new"


def test_deleting_leaves_nothing_behind(database, eve):
    made = a_webhook(eve, HOOK)["id"]

    assert eve.delete(f"{API}/webhooks/{made}").status_code == 204

    assert eve.get(f"{API}/webhooks/{made}").status_code == 404
    assert [rows(database, model) for model in (Webhook, WebhookSecret, Subscription)] == [[], [], []]


def test_staff_see_what_changed_without_secrets_and_with_the_host_only(ada, eve):
    made = a_webhook(eve, HOOK)
    eve.patch(f"{API}/webhooks/{made['id']}", json={"description": "y"})
    eve.delete(f"{API}/webhooks/{made['id']}")

    events = [e for e in ada.get(f"{API}/events").json()["items"] if e["type"].startswith("webhook.")]

    assert [event["type"] for event in events] == ["webhook.created", "webhook.revised", "webhook.deleted"]
    assert events[0]["data"] == {
        "webhook": {
            "id": made["id"],
            "organization": "eve-org",
            "host": "127.0.0.1",
            "types": [],
            "filters": {},
            "state": "active",
            "state_reason": None,
        }
    }
    assert not [e for e in eve.get(f"{API}/events").json()["items"] if e["type"].startswith("webhook.")]


def test_every_word_of_the_filters_can_be_used(ada, eve):
    issuer = an_organization(ada)["slug"]
    demand = a_demand(ada, issuers=[issuer], tags=["health"])
    filters = {
        "campaign": [demand["campaign"]],
        "kind": [demand["kind"]],
        "status": ["open", "in_progress"],
        "group": ["open"],
        "body": [demand["targets"][0]["body"]["slug"]],
        "issuer": [issuer],
        "tag": ["health"],
        "demand": [demand["ref"]],
        "disputed": False,
        "overdue": True,
        "stale": False,
        "no_response": True,
    }

    assert a_webhook(eve, HOOK, filters=filters)["filters"] == filters
