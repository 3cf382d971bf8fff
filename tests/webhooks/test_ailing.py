"""An endpoint that fails for long: staff are told in steps, and in the end the webhook is disabled, once."""

import datetime

import pytest

from app import clock
from app.webhooks.models import Lane, Reason, Undelivered
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows, texts, wait_until

UPDATES = {"types": ["demand.update_added"]}


def told(ada, type):
    return ada.get(f"{API}/events", params={"types": type}).json()["items"]


def failing_for(ada):
    return [event["data"]["failing_hours"] for event in told(ada, "webhook.failing")]


def probe(app, receiver, time, hours, **settings):
    """Let some hours pass, and the endpoint be tried once."""
    time.forward(hours=hours)
    with delivering(app, **settings):
        pass


def state_of(eve, webhook):
    return eve.get(f"{API}/webhooks/{webhook['id']}").json()["state"]


def test_staff_are_told_once_after_an_hour_a_day_and_three(app, ada, eve, receiver, time):
    a_webhook(eve, receiver.url("/500"), **UPDATES)
    note(ada, a_demand(ada)["ref"])

    seen = []
    for hours in (0, 0.5, 1, 1, 22.5, 10, 40, 10):
        probe(app, receiver, time, hours)
        seen.append(failing_for(ada))

    assert seen == [[], [], [1], [1], [1, 24], [1, 24], [1, 24, 72], [1, 24, 72]]
    assert "webhook.failing" not in eve.get(f"{API}/events", params={"limit": 200}).text


def test_after_five_days_and_twenty_attempts_it_is_disabled_with_one_notice(app, database, ada, eve, receiver, time):
    webhook = a_webhook(eve, receiver.url("/500"), **UPDATES)
    ref = a_demand(ada)["ref"]
    note(ada, ref)
    for _ in range(18):
        probe(app, receiver, time, 8.1 if len(receiver.requests) > 9 else 5)
        note(ada, ref)
    before = state_of(eve, webhook)
    while len(receiver.requests) < 30 and state_of(eve, webhook) == "active":
        probe(app, receiver, time, 10)
        note(ada, ref)

    assert before == "active"
    assert state_of(eve, webhook) == "disabled"
    assert len(receiver.requests) >= 20
    assert len(told(ada, "webhook.disabled")) == 1
    assert rows(database, Lane)[0].ready_at is None


def test_when_all_that_waits_is_too_old_it_is_disabled_too(app, database, ada, eve, receiver, time):
    webhook = a_webhook(eve, receiver.url("/500"), **UPDATES)
    ref = a_demand(ada)["ref"]
    for number in range(3):
        note(ada, ref, str(number))

    for _ in range(30):
        ready_at = rows(database, Lane)[0].ready_at or clock.now()
        probe(app, receiver, time, (ready_at - clock.now()) / datetime.timedelta(hours=1))

    assert state_of(eve, webhook) == "disabled"
    assert len(told(ada, "webhook.disabled")) == 1
    assert [given_up.reason for given_up in rows(database, Undelivered)] == [Reason.EXPIRED] * 3


@pytest.mark.parametrize("status", ["500", "400"])
def test_what_was_not_tried_while_we_stood_still_is_sent_however_long_others_failed_before(
    app, database, ada, eve, receiver, time, status
):
    a_webhook(eve, receiver.script("/hook", *[status] * 5, "204"), **UPDATES)
    ref = a_demand(ada)["ref"]
    for _ in range(5):
        note(ada, ref, "refused" if status == "400" else "waits")
        probe(app, receiver, time, 24)
    note(ada, ref, "as we stopped")

    time.forward(days=5, hours=1)
    with delivering(app):
        wait_until(lambda: texts(receiver.requests)[-1] == "as we stopped")

    assert len(rows(database, Undelivered)) >= 1


def test_an_endpoint_that_refuses_everything_is_failing_too_and_is_disabled_after_five_days(
    app, ada, eve, receiver, time
):
    webhook = a_webhook(eve, receiver.url("/400"), **UPDATES)
    ref = a_demand(ada)["ref"]

    for attempts in range(1, 22):
        assert state_of(eve, webhook) == "active"
        note(ada, ref)
        probe(app, receiver, time, 6.1)
        assert len(receiver.requests) == attempts  # one does not wait because of the one before

    assert state_of(eve, webhook) == "disabled"
    assert failing_for(ada) == [1, 24, 72]
    assert len(told(ada, "webhook.disabled")) == 1


def test_an_endpoint_that_refuses_some_and_takes_others_is_well(app, ada, eve, receiver, time):
    webhook = a_webhook(eve, receiver.script("/hook", *["400", "204"] * 12), **UPDATES)
    ref = a_demand(ada)["ref"]

    for _ in range(12):
        note(ada, ref)
        note(ada, ref)
        probe(app, receiver, time, 12)

    assert len(receiver.requests) == 24
    assert state_of(eve, webhook) == "active"
    assert failing_for(ada) == []


def test_few_attempts_are_not_enough(app, ada, eve, receiver, time):
    webhook = a_webhook(eve, receiver.url("/500"), **UPDATES)
    ref = a_demand(ada)["ref"]
    note(ada, ref)
    for _ in range(4):
        probe(app, receiver, time, 48)
        note(ada, ref)

    assert state_of(eve, webhook) == "active"


def test_a_success_begins_the_count_anew(app, ada, eve, receiver, time):
    a_webhook(eve, receiver.script("/hook", "500", "500", "204", "500"), **UPDATES)
    ref = a_demand(ada)["ref"]
    note(ada, ref)
    probe(app, receiver, time, 0)
    probe(app, receiver, time, 2)
    probe(app, receiver, time, 2)
    note(ada, ref)
    probe(app, receiver, time, 0)
    probe(app, receiver, time, 2)

    assert failing_for(ada) == [1, 1]


def test_faults_of_ours_disable_nothing_and_warn_of_nothing(app, ada, eve, receiver, time):
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    ref = a_demand(ada)["ref"]
    for _ in range(22):
        note(ada, ref)
        probe(app, receiver, time, 10, webhook_allow_networks=())

    assert state_of(eve, webhook) == "active"
    assert failing_for(ada) == []


def test_a_worker_whose_clock_is_behind_counts_no_failure_from_before_the_last_success(app, ada, eve, receiver, time):
    webhook = a_webhook(eve, receiver.script("/hook", "204", "500", "500"), **UPDATES)
    ref = a_demand(ada)["ref"]
    note(ada, ref)
    probe(app, receiver, time, 0)
    note(ada, ref)
    probe(app, receiver, time, -144)

    probe(app, receiver, time, 144)

    health = eve.get(f"{API}/webhooks/{webhook['id']}/health").json()
    assert (len(receiver.requests), health["failures_in_a_row"]) == (3, 2)
    assert health["failing_since"] == health["last_success_at"]
    assert failing_for(ada) == []
