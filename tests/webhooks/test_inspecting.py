"""What a partner can find out: what was sent, what came back, what was given up, how the endpoint fares."""

import datetime
import json
import re
import uuid
from contextlib import contextmanager

import pytest
from sqlalchemy import insert

from app import clock, forgetting
from app.fields import utc
from app.tables import new_id
from app.webhooks.forgetting import forget_attempts
from app.webhooks.models import Attempt, Replay
from tests.factories import API, a_demand, a_draft, change
from tests.statements import asked
from tests.webhooks.deliveries import a_webhook, delivering, note, rows

UPDATES = {"types": ["demand.update_added"]}


def ask(client, webhook, path, **query):
    answer = client.get(f"{API}/webhooks/{webhook['id']}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@contextmanager
def explained(database, words):
    """How the database answers the statements with these words."""
    plans: list[str] = []
    with asked() as statements:
        yield plans
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN (COSTS OFF) "
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            for way in ("seqscan", "bitmapscan", "sort"):  # quick enough for a few rows
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        for statement, parameters in [each for each in statements if words in each[0]]:
            steps = connection.exec_driver_sql(explain + statement, parameters)
            plans.append("\n".join(str(step[-1]) for step in steps))


def deliver(app, ada, ref, receiver, *notes):
    for text in notes:
        note(ada, ref, text)
    with delivering(app):
        receiver.wait_for(1)


def test_an_attempt_tells_all_that_was_sent_and_came_back(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/nul"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one")

    [attempt] = ask(eve, webhook, "attempts")["items"]

    [request] = receiver.requests
    assert attempt["event"] == request.headers["webhook-id"]
    assert attempt["request_headers"] == request.headers
    assert (attempt["status"], attempt["error"], attempt["outcome"]) == (200, None, "delivered")
    assert attempt["detail"] == "200 OK"
    assert attempt["remote_address"] == "127.0.0.1"
    assert attempt["response_body"] == "ab\N{REPLACEMENT CHARACTER}\N{FOX FACE}"
    assert attempt["response_headers"] == {"content-length": "8"}
    said = json.loads(request.body)
    assert attempt["seq"] == said["data"]["seq"]
    assert (attempt["type"], attempt["demand"]) == (said["type"], demand["ref"])
    assert {place: url.partition("/api/")[2] for place, url in attempt["links"].items()} == {
        place: url.partition("/api/")[2] for place, url in said["data"]["links"].items()
    }
    assert attempt["duration_ms"] >= 0
    assert webhook["secret"] not in json.dumps(attempt)


def test_the_log_says_why_there_was_no_answer_and_keeps_eight_kibibytes_of_a_long_one(app, ada, eve, receiver):
    demand = a_demand(ada)
    torn = a_webhook(eve, receiver.url("/reset"), **UPDATES)
    endless = a_webhook(eve, receiver.url("/gigabyte"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one")

    [broken] = ask(eve, torn, "attempts")["items"]
    [cut] = ask(eve, endless, "attempts")["items"]

    assert (broken["status"], broken["error"], broken["outcome"]) == (None, "reset", "retry")
    assert "connection" in broken["detail"]
    assert cut["response_body"] == "x" * 8192


def test_the_log_is_paged_and_narrowed_by_event_and_outcome(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "204", "422", "204"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one", "two", "three")
    sent = [request.headers["webhook-id"] for request in receiver.requests]

    first = eve.get(f"{API}/webhooks/{webhook['id']}/attempts", params={"limit": 2})
    second = eve.get(first.links["next"]["url"])

    assert [item["event"] for page in (first, second) for item in page.json()["items"]] == sent[::-1]
    assert [item["event"] for item in ask(eve, webhook, "attempts", outcome="rejected")["items"]] == [sent[1]]
    for name in (sent[2], str(uuid.UUID(sent[2].removeprefix("evt_")))):
        assert [item["event"] for item in ask(eve, webhook, "attempts", event=name)["items"]] == [sent[2]]


def test_the_log_of_a_day_is_asked_for_by_that_day(app, ada, eve, receiver):
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    deliver(app, ada, a_demand(ada)["ref"], receiver, "one")
    [attempt] = ask(eve, webhook, "attempts")["items"]
    day = datetime.date.fromisoformat(attempt["started_at"][:10])

    assert ask(eve, webhook, "attempts", since=day, until=day + datetime.timedelta(days=1))["items"] == [attempt]
    assert ask(eve, webhook, "attempts", until=day)["items"] == []


@pytest.mark.parametrize(
    "query", [{"event": "evt_1"}, {"outcome": "splendid"}, {"colour": "red"}, {"cursor": "x"}, {"since": "yesterday"}]
)
def test_what_the_log_cannot_be_narrowed_by_is_refused(eve, query):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")

    assert eve.get(f"{API}/webhooks/{webhook['id']}/attempts", params=query).status_code == 422


def test_an_event_that_cannot_be_is_refused_with_what_one_looks_like(eve):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")

    refused = eve.get(f"{API}/webhooks/{webhook['id']}/attempts", params={"event": "foo"})

    assert refused.json()["detail"] == "query.event: an event's id looks like evt_0193500000007000a000000000000000"


def test_what_was_given_up_is_listed_in_order(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/422"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one", "two")

    given_up = ask(eve, webhook, "undelivered")["items"]

    assert [item["event"] for item in given_up] == [request.headers["webhook-id"] for request in receiver.requests]
    assert [item["reason"] for item in given_up] == ["rejected", "rejected"]


def test_the_log_and_what_was_given_up_tell_which_change_it_was(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/422"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one")

    [attempt] = ask(eve, webhook, "attempts")["items"]
    [given_up] = ask(eve, webhook, "undelivered")["items"]

    assert (given_up["type"], given_up["demand"]) == ("demand.update_added", demand["ref"])
    assert given_up["links"]["demand"] == f"{app.state.settings.base_url}{API}/demands/{demand['ref']}"
    [event] = eve.get(given_up["links"]["event"]).json()["items"]
    assert (event["type"], event["seq"]) == (given_up["type"], given_up["seq"])
    assert {name: attempt[name] for name in ("type", "demand", "links")} == {
        name: given_up[name] for name in ("type", "demand", "links")
    }


def test_which_change_it_was_is_not_told_of_what_may_not_be_seen_any_more(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/422"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one")
    ada.put(f"{API}/demands/{demand['ref']}/publication", json={"state": "unpublished", "reason": "Too soon."})

    [given_up] = ask(eve, webhook, "undelivered")["items"]
    log = ask(eve, webhook, "attempts")["items"]

    assert (given_up["type"], given_up["demand"], given_up["links"]) == (None, None, None)
    assert [(item["type"], item["demand"], item["links"]) for item in log if item["event"] == given_up["event"]] == [
        (None, None, None)
    ]


def test_the_log_is_narrowed_by_several_outcomes_and_by_time(app, ada, eve, receiver, time):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "204", "422", "410"), **UPDATES)
    begun = []
    for text in ("one", "two", "three"):
        time.forward(hours=1)
        begun.append(utc(clock.now()))
        deliver(app, ada, demand["ref"], receiver, text)

    def outcomes(**query):
        return [item["outcome"] for item in ask(eve, webhook, "attempts", **query)["items"]]

    assert outcomes(outcome=["rejected", "gone"]) == ["gone", "rejected"]
    assert outcomes(since=begun[1]) == ["gone", "rejected"]
    assert outcomes(until=begun[1]) == ["delivered"]
    assert outcomes(since=begun[1], until=begun[2], outcome=["delivered", "rejected"]) == ["rejected"]


def fail_often(database):
    """A long log of copies; PostgreSQL looks at them to plan with."""
    pattern = rows(database, Attempt)[0].model_dump()
    copies = [{**pattern, "id": new_id(), "outcome": "retry"} for _ in range(1_000)]
    with database.engine.begin() as connection:
        connection.execute(insert(Attempt), copies)
        connection.exec_driver_sql("ANALYZE")


@pytest.mark.parametrize(
    ("path", "found_by"),
    [
        ("attempts?limit=1", r"webhook_id ?="),
        ("attempts?limit=1&since=2024-01-01T00:00:00Z", r"webhook_id ?=.*started_at ?>"),
        ("attempts?limit=1&until=2124-01-01T00:00:00Z", r"webhook_id ?=.*started_at ?<"),
        ("attempts?limit=1&outcome=delivered&since=2024-01-01T00:00:00Z", r"webhook_id ?=.*outcome.*started_at ?>"),
        ("health", r"webhook_id ?=.*started_at ?>"),
    ],
)
def test_however_long_the_log_is_no_more_of_it_is_read_than_is_asked_for(
    app, database, ada, eve, receiver, path, found_by
):
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    deliver(app, ada, a_demand(ada)["ref"], receiver, "one", "two")
    fail_often(database)

    with explained(database, "FROM webhook_attempt") as plans:
        page = eve.get(f"{API}/webhooks/{webhook['id']}/{path}")
        if "next" in page.links:
            assert len(eve.get(page.links["next"]["url"]).json()["items"]) == 1

    assert plans
    for plan in plans:
        assert re.search(found_by, plan), plan
        assert "SCAN" not in plan, plan
        assert not re.search("Sort|ORDER BY", plan), plan


def test_old_attempts_are_forgotten_in_chunks_and_young_ones_kept(
    app, database, settings, ada, eve, receiver, time, monkeypatch
):
    monkeypatch.setattr(forgetting, "CHUNK", 2)
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one", "two", "three", "four", "five")
    eve.post(f"{API}/webhooks/{webhook['id']}/undelivered/retries", json={})  # finished, as there is none

    time.forward(days=29)
    assert forget_attempts(database, settings) == 0
    time.forward(days=2)
    with delivering(app):
        pass

    assert forget_attempts(database, settings) == 6
    assert rows(database, Attempt) == rows(database, Replay) == []


def test_a_worker_that_is_to_stop_forgets_no_more_than_it_has_begun(
    app, database, settings, ada, eve, receiver, time, monkeypatch
):
    monkeypatch.setattr(forgetting, "CHUNK", 2)
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one", "two", "three", "four", "five")
    time.forward(days=31)

    forgotten = forget_attempts(database, settings, stopped=lambda: len(rows(database, Attempt)) < 5)

    assert forgotten == 2


def test_what_was_given_up_is_listed_for_a_year(app, database, settings, ada, eve, receiver, time, monkeypatch):
    monkeypatch.setattr(forgetting, "CHUNK", 2)
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/422"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one", "two", "three")

    time.forward(days=364)
    forget_attempts(database, settings)
    for_a_year = ask(eve, webhook, "undelivered")["items"]
    time.forward(days=2)
    forget_attempts(database, settings)

    assert [item["reason"] for item in for_a_year] == ["rejected"] * 3
    assert ask(eve, webhook, "undelivered")["items"] == []


def test_the_health_of_an_endpoint(app, ada, eve, receiver, time):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "204", "204", "422", "500"), **UPDATES)
    fresh = ask(eve, webhook, "health")
    deliver(app, ada, demand["ref"], receiver, "one", "two", "three", "four", "five")
    change(ada, demand["ref"], "in_progress")  # not wanted, so no lag
    time.forward(seconds=2)

    health = ask(eve, webhook, "health")

    assert (fresh["attempts"], fresh["success_rate"], fresh["p50_ms"], fresh["lag_events"]) == (0, None, None, 0)
    assert (health["attempts"], health["success_rate"]) == (4, 0.5)
    assert 0 <= health["p50_ms"] <= health["p95_ms"]
    assert (health["lag_events"], health["undelivered"], health["failures_in_a_row"]) == (2, 1, 1)
    assert 2 <= health["lag_seconds"] < 60
    assert health["last_success_at"] <= health["failing_since"] < health["next_attempt_at"]
    assert ask(eve, webhook, "health", hours=1)["attempts"] == 4
    time.forward(hours=2)
    assert ask(eve, webhook, "health", hours=1)["attempts"] == 0


def test_what_rests_names_no_next_attempt(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/500"), **UPDATES)
    deliver(app, ada, demand["ref"], receiver, "one")

    failing = ask(eve, webhook, "health")
    eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": True})
    paused = ask(eve, webhook, "health")

    assert failing["next_attempt_at"] > failing["failing_since"]
    assert paused["next_attempt_at"] is None


def test_what_is_wanted_only_since_a_revision_is_no_lag(app, ada, eve, receiver, time):
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    ref = a_demand(ada)["ref"]
    with delivering(app):
        pass
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"types": ["demand.published", "demand.update_added"]})

    before = eve.get(f"{API}/webhooks/{webhook['id']}/health").json()
    note(ada, ref)  # and nobody plans it
    time.forward(hours=1)
    after = eve.get(f"{API}/webhooks/{webhook['id']}/health").json()

    assert (before["lag_events"], before["lag_seconds"]) == (0, 0.0)
    assert after["lag_events"] == 1
    assert after["lag_seconds"] >= 3600


def test_faults_of_ours_do_not_lower_the_rate(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    note(ada, demand["ref"])
    with delivering(app, webhook_allow_networks=()):
        pass

    health = ask(eve, webhook, "health")

    assert (health["success_rate"], health["failing_since"], health["failures_in_a_row"]) == (None, None, 1)


def test_the_same_messages_can_be_fetched(app, ada, eve, receiver):
    wanted, other = a_demand(ada, tags=["health"]), a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), filters={"tag": ["health"]}, **UPDATES)
    here = ask(eve, webhook, "events")["next_cursor"]
    for number in range(3):
        note(ada, wanted["ref"], str(number))
        note(ada, other["ref"], "other")
    note(ada, a_draft(ada, tags=["health"])["ref"], "not to be seen")
    with delivering(app, base_url=app.state.settings.base_url):
        receiver.wait_for(3)

    first = ask(eve, webhook, "events", after=here, limit=2)
    second = ask(eve, webhook, "events", after=first["next_cursor"], limit=2)

    fetched = first["items"] + second["items"]
    assert [item.pop("id") for item in fetched] == [request.headers["webhook-id"] for request in receiver.requests]
    assert fetched == [json.loads(request.body) for request in receiver.requests]
    assert ask(eve, webhook, "events", after=second["next_cursor"])["items"] == []


def test_a_cursor_from_elsewhere_is_refused(eve):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")
    url = f"{API}/webhooks/{webhook['id']}/events"

    assert eve.get(url, params={"after": "yesterday"}).status_code == 422
    assert eve.get(url, params={"after": "000000000000-1"}).status_code == 410


DOORS = [
    ("GET", "attempts", None),
    ("GET", "undelivered", None),
    ("POST", "undelivered/retries", {}),
    ("GET", "replay", None),
    ("POST", "replay", {"from_seq": 1}),
    ("GET", f"replay/{uuid.UUID(int=1)}", None),
    ("PUT", "paused", {"paused": True}),
    ("POST", "secret", {}),
    ("POST", "test", None),
    ("GET", "events", None),
    ("GET", "health", None),
]


@pytest.mark.parametrize(("method", "path", "body"), DOORS)
def test_a_door_is_open_to_the_own_organization_and_admins_only(
    app, database, client, client_for, eve, receiver, method, path, body
):
    own = client_for("partner")
    webhook = a_webhook(own, receiver.url("/204"))
    url = f"{API}/webhooks/{webhook['id']}/{path}"

    answers = {
        name: who.request(method, url, **({"json": body} if body is not None else {})).status_code
        for name, who in [
            ("nobody", client),
            ("a viewer", client_for("viewer")),
            ("a stranger", eve),
            ("a foreign editor", client_for("editor", "eve-org")),
            ("a partner", own),
            ("an admin", client_for("admin", "eve-org")),
        ]
    }

    granted = (404,) if path.startswith("replay/") else (200, 201)
    assert answers.pop("a partner") in granted
    assert answers.pop("an admin") in granted
    assert answers == {"nobody": 401, "a viewer": 403, "a stranger": 404, "a foreign editor": 404}
    if body is not None:
        refused = own.request(method, url, json={**body, "colour": "red"})
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid")
