"""Partners who are careless, and some who mean harm: what they see, and that nobody else notices.

How each behaviour of an endpoint is understood stands in test_sending.py, how addresses are vetted in
test_connecting.py and test_addresses.py; here it is told from the API to the log, past a worker.
"""

import pytest

from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, texts


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://169.254.169.254/latest/meta-data/", "Address not allowed"),
        ("http://[::ffff:10.0.0.1]/", "Address not allowed"),
        ("http://2130706433/", "four decimal numbers"),
        ("http://127.0.0.1/", "Address not allowed"),
        ("http://localhost/", "Address not allowed"),
        ("https://ada:secret@example.org/", "user name"),
        ("https://example.org/" + "x" * 3_000, "2000"),
    ],
)
def test_a_url_that_leads_where_it_should_not_is_refused_when_it_is_given(app, eve, monkeypatch, url, says):
    closed = app.state.settings.model_copy(update={"webhook_allow_networks": (), "webhook_allow_http": True})
    monkeypatch.setitem(app.state._state, "settings", closed)

    refused = eve.post(f"{API}/webhooks", json={"url": url})

    assert refused.status_code == 422
    assert "body.url" in refused.text
    assert says in refused.text
    assert "secret" not in refused.text
    assert eve.get(f"{API}/webhooks").json()["items"] == []


def test_a_url_of_three_megabytes_is_not_read(eve):
    refused = eve.post(f"{API}/webhooks", json={"url": "https://example.org/" + "x" * 3_000_000})

    assert refused.status_code == 413
    assert len(refused.content) < 1_000


@pytest.mark.parametrize(
    ("behaviour", "status", "error", "says"),
    [
        ("redirect", 302, "redirect", "302 leads to http://169.254.169.254/"),
        ("reset", None, "reset", "waiting for the answer"),
        ("reset-in-body", 200, "reset", "reading the answer"),
        ("close", None, "reset", "waiting for the answer"),
        ("endless-headers", None, "protocol", "more than 128 headers"),
        ("endless-header", None, "protocol", "longer than 8,190 bytes"),
        ("endless-hints", None, "protocol", "128 KiB"),
        ("slow-head", None, "timeout", "within 0.5 s"),
        ("slow-body", 200, "timeout", "within 0.5 s"),
        ("hang", None, "timeout", "within 0.5 s"),
        ("not-http", None, "protocol", "not HTTP"),
        ("gigabyte", 200, None, "200 OK"),
        ("gzip-bomb", 200, None, "200 OK"),
    ],
)
def test_the_log_tells_the_partner_what_their_endpoint_did(app, ada, eve, receiver, behaviour, status, error, says):
    demand = a_demand(ada)
    bad = a_webhook(eve, receiver.url(f"/{behaviour}"), types=["demand.update_added"])
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])

    with delivering(app, webhook_timeout_seconds=0.5):
        note(ada, demand["ref"], "said")
        receiver.wait_for(2)

    [attempt] = eve.get(f"{API}/webhooks/{bad['id']}/attempts").json()["items"]
    assert (attempt["status"], attempt["error"]) == (status, error)
    assert says in attempt["detail"]
    assert attempt["outcome"] == ("retry" if error else "delivered")
    assert len(attempt["response_body"]) <= 8 * 1024
    assert texts(receiver.requests, "/204") == ["said"]
