"""What Prometheus reads: off unless there is a token, and the same from every process on one database."""

from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.main import create_app
from app.webhooks import lanes, planning, settling
from app.webhooks.lanes import Work
from app.webhooks.models import Lane
from tests.clients import Client
from tests.factories import a_demand, a_draft
from tests.webhooks.deliveries import LEASE, a_webhook, delivering, note, rows

TOKEN = "let-prometheus-in"
UPDATES = {"types": ["demand.update_added"]}


@pytest.fixture
def another_process(settings, portal):
    """Makes clients of further apps on the same database, whose settings have the token."""
    with ExitStack() as stack:

        def another_process():
            app = create_app(settings.model_copy(update={"metrics_token": SecretStr(TOKEN)}))
            stack.callback(app.state.database.dispose)
            return Client(app, portal)

        yield another_process


@pytest.fixture
def prometheus(another_process):
    return another_process()


def ask(client, token=TOKEN):
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}".encode()} if token else {})


def metrics(client):
    """`{name: {labels: value}}`, the labels by their names as a text such as `0.01 delivered`."""
    answer = ask(client)
    assert answer.status_code == 200, answer.text
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            found.setdefault(sample.name, {})[" ".join(value for _, value in sorted(sample.labels.items()))] = (
                sample.value
            )
    return found


def test_there_is_no_such_page_without_a_token_in_the_settings(client, ada):
    assert [ask(one, token).status_code for one in (client, ada) for token in (None, "", TOKEN)] == [404] * 6


def test_only_the_token_opens_it(prometheus, client_for):
    admin = client_for("admin")
    key = admin.headers["Authorization"].removeprefix("Bearer ")

    refused = [ask(prometheus, token) for token in (None, "", TOKEN[:-1], TOKEN + "x", "é", key)]
    opened = ask(prometheus)

    assert [(answer.status_code, answer.json()["type"]) for answer in refused] == [
        (401, "/problems/unauthenticated")
    ] * 6
    assert opened.status_code == 200
    assert opened.headers["Content-Type"].startswith("text/plain; version=")


def test_attempts_are_told_by_outcome_and_by_how_long_they_took(app, ada, eve, prometheus, receiver):
    ref = a_demand(ada)["ref"]
    a_webhook(eve, receiver.script("/mixed", "204", "422", "204", "500"), **UPDATES)
    for text in ("one", "two", "three", "four"):
        note(ada, ref, text)
    with delivering(app):
        receiver.wait_for(4)

    found = metrics(prometheus)

    assert found["demands_webhook_attempts_total"] == {"delivered": 2, "rejected": 1, "retry": 1, "gone": 0}
    assert found["demands_webhook_undelivered_total"] == {"rejected": 1, "expired": 0}
    buckets = found["demands_webhook_attempt_duration_seconds_bucket"]
    assert (buckets["60.0 delivered"], buckets["+Inf delivered"], buckets["+Inf gone"]) == (2, 2, 0)
    assert found["demands_webhook_attempt_duration_seconds_count"]["delivered"] == 2
    attempts = eve.get(f"/api/v1/webhooks/{eve.get('/api/v1/webhooks').json()['items'][0]['id']}/attempts").json()
    seconds = sum(attempt["duration_ms"] for attempt in attempts["items"] if attempt["outcome"] == "delivered") / 1000
    assert found["demands_webhook_attempt_duration_seconds_sum"]["delivered"] == pytest.approx(seconds)


def test_what_is_added_up_outlives_the_log_and_is_the_same_from_every_process(app, ada, eve, receiver, another_process):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.url(), **UPDATES)
    for expected in (1, 2):
        note(ada, ref)
        with delivering(app):
            receiver.wait_for(expected)
    eve.delete(f"/api/v1/webhooks/{webhook['id']}")  # and with it all its attempts

    here, there = metrics(another_process()), metrics(another_process())

    added_up = [name for name in here if name.startswith("demands_webhook_attempt")]
    assert added_up
    assert [there[name] for name in added_up] == [here[name] for name in added_up]
    assert there["demands_webhook_attempts_total"]["delivered"] == 2


def test_the_lag_grows_while_nobody_works_and_is_gone_afterwards(app, ada, eve, prometheus, receiver, time):
    ref = a_draft(ada)["ref"]
    a_webhook(eve, receiver.url(), types=["demand.published"])
    before = metrics(prometheus)
    ada.put(f"/api/v1/demands/{ref}/publication", json={"state": "published"})
    time.forward(minutes=10)

    behind = metrics(prometheus)
    with delivering(app):
        receiver.wait_for(1)
    after = metrics(prometheus)

    assert behind["demands_ledger_entries"][""] == before["demands_ledger_entries"][""] + 1
    assert behind["demands_webhook_lag_events"][""] == before["demands_webhook_lag_events"][""] + 1
    assert behind["demands_webhook_lag_seconds"][""] >= 600
    assert (after["demands_webhook_lag_events"], after["demands_webhook_lag_seconds"]) == ({"": 0}, {"": 0})


def test_a_lane_that_is_due_and_is_not_taken_shows_for_how_long(ada, eve, prometheus, database, time):
    a_webhook(eve, "http://127.0.0.1:9999/hook")
    note(ada, a_demand(ada)["ref"])
    with database.write() as session:
        while planning.plan(session):
            pass
    time.forward(minutes=5)

    waiting = metrics(prometheus)["demands_webhook_oldest_due_lane_seconds"][""]
    with database.write() as session:
        lanes.claim(session, "worker", 10)
    taken = metrics(prometheus)["demands_webhook_oldest_due_lane_seconds"][""]

    assert 300 <= waiting < 400
    assert taken == 0


def test_work_that_comes_too_late_counts_as_a_lost_lease_and_not_as_attempts(ada, eve, prometheus, database, time):
    a_webhook(eve, "http://127.0.0.1:9999/hook")
    note(ada, a_demand(ada)["ref"])
    turns = []
    for owner in ("frozen", "other"):
        with database.write() as session:
            while planning.plan(session):
                pass
            turns += lanes.claim(session, owner, 10)
        time.forward(seconds=LEASE.total_seconds() + 1)
    assert [turn.lease.owner for turn in turns] == ["frozen", "other"]

    for turn in turns:
        settling.settle(database, [Work(turn.lease, turn.wake_seq)])

    assert metrics(prometheus)["demands_webhook_leases_lost_total"] == {"": 1}
    assert len(rows(database, Lane)) == 1
