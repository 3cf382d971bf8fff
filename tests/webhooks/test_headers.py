"""Headers of a webhook's own, such as a token: sent with every message, and otherwise kept to ourselves."""

import pytest

from app.vault import open_vault
from app.webhooks.models import Webhook
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows
from tests.webhooks.test_webhooks import HOOK, refusal

TOKEN = "Bearer zq4711"


def test_they_go_with_every_message_and_test_and_the_log_shows_that_but_not_their_values(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    made = a_webhook(eve, receiver.url("/204"), headers={"Authorization": TOKEN, "X-Team": "a, b\tc"})
    url = f"{API}/webhooks/{made['id']}"

    with delivering(app):
        note(ada, ref)
        receiver.wait_for(1)
    tried = eve.post(f"{url}/test")

    [attempt] = eve.get(f"{url}/attempts").json()["items"]
    for request, log in zip(receiver.requests, [attempt, tried.json()], strict=True):
        assert log["request_headers"] == request.headers | {"authorization": "…", "x-team": "…"}
        assert (request.headers["authorization"], request.headers["x-team"]) == (TOKEN, "a, b\tc")
        assert request.headers["content-type"] == "application/json"
    shown = [tried, ada.get(f"{API}/events"), *(eve.get(each) for each in (url, f"{url}/attempts", f"{API}/webhooks"))]
    for answer in shown:
        assert "zq4711" not in answer.text
    assert made["header_names"] == eve.get(url).json()["header_names"] == ["authorization", "x-team"]


def test_the_database_keeps_them_encrypted(database, settings, eve):
    a_webhook(eve, HOOK, headers={"Authorization": TOKEN})

    [kept] = rows(database, Webhook)

    assert "zq4711" not in str(kept.sealed_headers)
    assert open_vault(settings).open(kept.sealed_headers["authorization"].encode()).decode() == TOKEN


def test_revising_merges_them_by_name_whatever_its_case(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    made = a_webhook(eve, receiver.url("/204"), headers={"X-One": "1", "X-Two": "2", "X-Three": "3"})
    url = f"{API}/webhooks/{made['id']}"

    revised = eve.patch(url, json={"headers": {"x-one": None, "X-TWO": "two"}}).json()
    with delivering(app):
        note(ada, ref)
        [request] = receiver.wait_for(1)

    assert revised["header_names"] == ["x-three", "x-two"]
    assert {name: value for name, value in request.headers.items() if name.startswith("x-")} == {
        "x-two": "two",
        "x-three": "3",
    }
    assert eve.patch(url, json={"description": "y"}).json()["header_names"] == ["x-three", "x-two"]
    assert eve.patch(url, json={"headers": None}).json()["header_names"] == []


def test_they_do_not_follow_to_another_host_unsaid(app, ada, eve, receiver):
    """Who may change the URL could otherwise read them there."""
    ref = a_demand(ada)["ref"]
    made = a_webhook(eve, HOOK, headers={"X-One": "zq4711", "X-Two": "2", "X-Three": "3"})
    url = f"{API}/webhooks/{made['id']}"

    refused = eve.patch(url, json={"url": receiver.url("/204"), "headers": {"X-Two": "two"}})
    same_host = eve.patch(url, json={"url": HOOK + "0"})
    moved = eve.patch(url, json={"url": receiver.url("/204"), "headers": {"X-One": None, "X-Two": "2", "X-Three": "3"}})
    with delivering(app):
        note(ada, ref)
        [request] = receiver.wait_for(1)

    assert refused.status_code == 422
    assert "another host: say anew, or take away with null, x-one, x-three" in refused.json()["detail"]
    assert (same_host.status_code, moved.status_code) == (200, 200)
    assert {name for name in request.headers if name.startswith("x-")} == {"x-two", "x-three"}


@pytest.mark.parametrize(
    "name",
    [
        "Webhook-Id",
        "webhook-signature",
        "WEBHOOK-ANYTHING",
        "Host",
        "Content-Type",
        "content-length",
        "Connection",
        "Transfer-Encoding",
        "Accept-Encoding",
        "Proxy-Authorization",
        "Upgrade",
        "Expect",
        "User-Agent",
    ],
)
def test_what_the_tracker_or_the_connection_sets_is_refused(eve, name):
    assert f"body.headers.{name}" in (told := refusal(eve, headers={name: "x"}))
    assert "this header is set by the tracker or by the connection" in told


@pytest.mark.parametrize("name", ["", "X Team", "X-Team:", "X-Tëam", "X-Team\r\n", "x" * 65])
def test_a_name_that_is_none_is_refused(eve, name):
    assert "a header's name has up to 64 letters, digits and hyphens" in refusal(eve, headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\nb", "a\0b", "Արցախ", " a", "a ", "\t", "\x7f"])
def test_a_value_that_would_not_arrive_as_it_is_is_refused(eve, value):
    told = refusal(eve, headers={"X-Team": value})

    assert told.startswith("body.headers.X-Team: a header's value has printable ASCII characters")


def test_there_are_limits(eve):
    many = {f"X-{number}": "x" for number in range(20)}
    url = f"{API}/webhooks/{a_webhook(eve, HOOK, headers=many)['id']}"

    assert "at most 20 items" in refusal(eve, headers={**many, "X-One-More": "x"})
    assert "at most 1000 characters" in refusal(eve, headers={"X-Long": "x" * 1001})
    assert "at least 1 character" in refusal(eve, headers={"X-Empty": ""})
    assert "there twice" in refusal(eve, headers={"X-Team": "1", "x-team": "2"})
    one_more = eve.patch(url, json={"headers": {"X-One-More": "x"}})
    assert (one_more.status_code, one_more.json()["detail"]) == (422, "body.headers: a webhook has 20 headers at most")
    assert eve.patch(url, json={"headers": {"X-One-More": "x", "X-1": None}}).status_code == 200
