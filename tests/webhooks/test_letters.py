"""The contact of a webhook is mailed when its endpoint is in trouble, and not once that is over."""

import pytest

from app.worker import WRITERS
from tests.databases import on_sqlite
from tests.factories import API, a_demand
from tests.follows.followers import subjects
from tests.mail.mail_server import text_of
from tests.mail.posts import a_postman, mails
from tests.webhooks.deliveries import a_webhook, delivering, note, texts

CONTACT = "operations@partner.example"
UPDATES = {"types": ["demand.update_added"], "contact_email": CONTACT}


@pytest.fixture
def failing(app, ada, eve, receiver, time):
    """A webhook whose endpoint has failed for an hour."""
    webhook = a_webhook(eve, receiver.url("/500?token=t0k3n"), description="You won!", **UPDATES)
    note(ada, a_demand(ada)["ref"])
    fail(app, time, hours=0)
    fail(app, time, hours=1.1)
    return webhook


def fail(app, time, hours):
    time.forward(hours=hours)
    with delivering(app):
        pass


def post(app, mail_server):
    a_postman(app, mail_server.url, WRITERS).post()
    return mail_server.mails


def test_it_is_told_what_fails_since_when_and_what_to_do(app, failing, mail_server):
    [mail] = post(app, mail_server)

    told = text_of(mail)
    assert mail["To"] == CONTACT
    assert mail["Subject"].startswith("Your webhook to 127.0.0.1 has been failing since ")
    assert "it answered 500" in told
    assert f"/api/v1/webhooks/{failing['id']}" in told
    for step in ("/test", "/attempts", "/health", "2xx"):
        assert step in told
    assert "t0k3n" not in str(mail), "a URL may hold a secret"
    assert "You won!" not in told, "nobody is to be mailed what a partner has written"


def test_where_an_endpoint_redirects_to_is_not_mailed(app, ada, eve, receiver, mail_server, time):
    a_webhook(eve, receiver.url("/redirect"), **UPDATES)
    note(ada, a_demand(ada)["ref"])
    fail(app, time, hours=0)
    fail(app, time, hours=1.1)

    [mail] = post(app, mail_server)

    assert "it answered 302" in text_of(mail)
    assert "169.254" not in text_of(mail)


def test_nobody_is_mailed_more_than_once_a_day_however_often_a_webhook_is_disabled(
    app, ada, eve, receiver, mail_server, time
):
    webhook = a_webhook(eve, receiver.url("/410"), **UPDATES)
    note(ada, a_demand(ada)["ref"])

    def disable():
        fail(app, time, hours=0)
        mailed = post(app, mail_server)
        assert eve.get(f"{API}/webhooks/{webhook['id']}").json()["state"] == "disabled"
        eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": False})
        return len(mailed)

    same_day = [disable() for _ in range(3)]
    time.forward(days=1)

    assert same_day == [1, 1, 1]
    assert disable() == 2


def test_nobody_is_mailed_at_will_by_webhooks_that_come_and_go(app, ada, eve, receiver, mail_server, time):
    ref = a_demand(ada)["ref"]

    def come_and_go(contact):
        webhook = a_webhook(eve, receiver.url("/410"), types=["demand.update_added"], contact_email=contact)
        note(ada, ref)
        fail(app, time, hours=0)
        mailed = len(post(app, mail_server))
        assert eve.delete(f"{API}/webhooks/{webhook['id']}").status_code == 204
        return mailed

    same_day = [come_and_go(address) for address in (CONTACT, CONTACT.upper(), CONTACT, CONTACT, CONTACT)]
    another = come_and_go("another@partner.example")
    time.forward(days=1.1)

    assert same_day == [1, 2, 3, 3, 3]
    assert another == 4
    assert come_and_go(CONTACT) == 5


@on_sqlite
def test_it_is_told_after_an_hour_a_day_and_three_and_when_it_is_disabled(
    app, ada, eve, failing, mail_server, receiver, time
):
    ref = a_demand(ada)["ref"]
    counts = []
    for hours in (1, 23, 48):
        fail(app, time, hours=hours)
        counts.append(len(post(app, mail_server)))
    while eve.get(f"{API}/webhooks/{failing['id']}").json()["state"] == "active":
        note(ada, ref)
        fail(app, time, hours=8.1)

    disabled = post(app, mail_server)[-1]

    assert counts == [1, 2, 3]
    assert subjects(mail_server)[3:] == ["Your webhook to 127.0.0.1 was disabled"]
    assert "The endpoint failed for five days." in text_of(disabled)
    assert '{"paused": false}' in text_of(disabled)


def test_who_was_disabled_is_told_where_to_find_what_catching_up_does_not_bring(
    app, ada, eve, failing, mail_server, receiver, time
):
    address = f"{API}/webhooks/{failing['id']}"
    for _ in range(4):
        fail(app, time, hours=24)
    receiver.script("/500?token=t0k3n", "410", "204")
    time.forward(hours=48)
    note(ada, a_demand(ada)["ref"], "later")
    fail(app, time, hours=0)
    told = " ".join(text_of(post(app, mail_server)[-1]).split())
    receiver.requests.clear()

    eve.put(f"{address}/paused", json={"paused": False})
    with delivering(app):
        receiver.wait_for(1)
    caught_up = texts(receiver.requests)
    given_up = eve.get(f"{address}/undelivered").json()["items"]
    eve.post(f"{address}/undelivered/retries", json={})
    with delivering(app):
        receiver.wait_for(2)

    assert caught_up == ["later"]
    assert [item["reason"] for item in given_up] == ["expired"]
    assert "GET the address followed by /undelivered" in told
    assert "/undelivered/retries to have it sent again" in told
    assert texts(receiver.requests) == ["later", "Talks went on."]


def test_who_is_well_again_by_the_time_of_sending_is_not_mailed(app, ada, eve, receiver, mail_server, time):
    a_webhook(eve, receiver.script("/hook", "500", "500", "204"), types=["demand.update_added"], contact_email=CONTACT)
    note(ada, a_demand(ada)["ref"])
    for hours in (0, 1.1, 1):
        fail(app, time, hours)

    before = len(mails(app.state.database))
    assert post(app, mail_server) == []
    assert (before, mails(app.state.database)) == (1, [])


def test_who_rests_by_the_time_of_sending_is_not_mailed(app, eve, failing, mail_server):
    paused = eve.put(f"{API}/webhooks/{failing['id']}/paused", json={"paused": True})

    assert paused.status_code == 200
    assert post(app, mail_server) == []


def test_a_webhook_that_is_gone_or_has_no_contact_any_more_mails_nobody(app, eve, failing, mail_server):
    address = f"{API}/webhooks/{failing['id']}"
    tag = {"If-Match": eve.get(address).headers["ETag"]}
    assert eve.patch(address, json={"contact_email": None}, headers=tag).status_code == 200
    without_contact = list(post(app, mail_server))
    assert eve.delete(address).status_code == 204

    assert without_contact == post(app, mail_server) == []


@on_sqlite
def test_one_that_has_no_contact_mails_nobody(app, ada, eve, receiver, mail_server, time):
    a_webhook(eve, receiver.url("/500"), types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"])
    for hours in (0, 1.1, 24):
        fail(app, time, hours)

    assert post(app, mail_server) == []
