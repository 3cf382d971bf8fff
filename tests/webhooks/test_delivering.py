"""From a change of a demand to the partner's endpoint, over real sockets, on both databases."""

import itertools
import json
from contextlib import ExitStack
from time import monotonic

import pytest
import standardwebhooks
import svix.webhooks
from sqlmodel import select

from app import clock
from app.ledger import open_database
from app.vault import Vault
from app.webhooks import lanes, planning, preparing
from app.webhooks import messages as messages_module
from app.webhooks.answers import Failure, Outcome
from app.webhooks.models import Attempt, Lane, Reason, Undelivered
from app.webhooks.tallying import Tallies
from tests.factories import API, a_demand, a_draft, change, publish
from tests.webhooks.deliveries import LEASE, a_webhook, delivering, note, rows, texts, wait_until


def messages(requests, path=None):
    return [json.loads(request.body) for request in requests if path in (None, request.path)]


def look_often(monkeypatch):
    monkeypatch.setattr("app.webhooks.delivering.RENEWALS_PER_LEASE", 600)
    monkeypatch.setattr("app.webhooks.delivering.LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr("app.webhooks.delivering.LAST_WORDS_SECONDS", 0.1)


def test_a_status_change_reaches_the_endpoint_signed(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.status_changed"])

    with delivering(app):
        change(ada, demand["ref"], "in_progress")
        [request] = receiver.wait_for(1)

    message = standardwebhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)
    svix.webhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)  # raises where it does not fit
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/json"
    assert message["type"] == "demand.status_changed"
    assert message["data"]["demand"]["ref"] == demand["ref"]
    assert message["data"]["change"]["to"] == "in_progress"
    [event] = ada.get(f"{API}/events", params={"types": "demand.status_changed"}).json()["items"]
    assert request.headers["webhook-id"] == "evt_" + event["id"].replace("-", "")
    assert (message["timestamp"], message["data"]["seq"]) == (event["recorded_at"], event["seq"])


def test_the_links_lead_to_the_event_and_the_demand(app, ada, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.status_changed"])

    with delivering(app):
        change(ada, demand["ref"], "in_progress")
        [message] = messages(receiver.wait_for(1))

    links = message["data"]["links"]
    [event] = eve.get(links["event"].removeprefix("http://test")).json()["items"]
    assert event["seq"] == message["data"]["seq"]
    assert eve.get(links["demand"].removeprefix("http://test")).json()["ref"] == demand["ref"]


def test_the_link_to_an_event_that_was_taken_from_view_leads_to_no_other(app, ada, client, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.status_changed"])
    with delivering(app):
        change(ada, demand["ref"], "in_progress")
        [message] = messages(receiver.wait_for(1))

    link = message["data"]["links"]["event"].removeprefix("http://test")
    publish(ada, demand["ref"], state="unpublished", reason="Not for everyone.")

    assert [event["seq"] for event in ada.get(link).json()["items"]] == [message["data"]["seq"]]
    assert client.get(link).json()["items"] == []


def test_only_what_the_filters_select_is_sent(app, ada, eve, receiver):
    wanted, other = a_demand(ada, tags=["health"]), a_demand(ada, tags=["housing"])
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"], filters={"tag": ["health"]})

    for number in range(3):
        note(ada, other["ref"], f"other {number}")
        note(ada, wanted["ref"], f"wanted {number}")
        change(ada, wanted["ref"], "in_progress" if number % 2 == 0 else "partially_met")
    with delivering(app):
        receiver.wait_for(3)

    assert texts(receiver.requests) == ["wanted 0", "wanted 1", "wanted 2"]


def test_events_come_in_the_order_of_the_ledger(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])

    with delivering(app):
        for number in range(12):
            note(ada, demand["ref"], str(number))
        receiver.wait_for(12)

    assert texts(receiver.requests) == [str(number) for number in range(12)]
    assert [attempt.outcome for attempt in rows(database, Attempt)] == [Outcome.DELIVERED] * 12
    [lane] = rows(database, Lane)
    assert (lane.cursor_seq, lane.ready_at) == (lane.wake_seq, None)


def test_after_a_failure_the_same_message_is_sent_again_and_then_the_others(app, database, ada, eve, receiver, time):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "500", "204"), types=["demand.update_added"])
    note(ada, demand["ref"], "first")
    note(ada, demand["ref"], "second")

    with delivering(app):
        receiver.wait_for(1)
    with delivering(app):
        assert len(receiver.requests) == 1  # not before its time
    time.forward(seconds=7)
    with delivering(app):
        receiver.wait_for(3)

    assert texts(receiver.requests) == ["first", "first", "second"]
    first, again, second = (request.headers["webhook-id"] for request in receiver.requests)
    assert first == again != second
    verifier = standardwebhooks.Webhook(webhook["secret"])
    assert verifier.verify(receiver.requests[1].body, receiver.requests[1].headers)
    attempts = rows(database, Attempt)
    assert [(attempt.status, attempt.outcome) for attempt in attempts] == [
        (500, Outcome.RETRY),
        (204, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
    ]
    assert attempts[0].detail == "500 Internal Server Error"


def test_while_an_endpoint_is_down_it_gets_one_message_at_a_time(app, ada, eve, receiver, time):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/503"), types=["demand.update_added"])
    for number in range(3):
        note(ada, demand["ref"], str(number))

    for _ in range(2):
        with delivering(app):
            receiver.wait_for(len(receiver.requests) + 1)
        time.forward(minutes=1)

    assert texts(receiver.requests) == ["0", "0"]


def test_a_message_that_is_rejected_is_set_aside_and_the_lane_goes_on(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.script("/hook", "422", "204"), types=["demand.update_added"])

    with delivering(app):
        note(ada, demand["ref"], "unwelcome")
        note(ada, demand["ref"], "welcome")
        receiver.wait_for(2)

    assert texts(receiver.requests) == ["unwelcome", "welcome"]
    [given_up] = rows(database, Undelivered)
    assert (given_up.seq, given_up.reason) == (messages(receiver.requests)[0]["data"]["seq"], Reason.REJECTED)


def test_an_endpoint_that_is_gone_disables_its_webhook(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/410"), types=["demand.update_added"])
    note(ada, demand["ref"])
    note(ada, demand["ref"])

    with delivering(app):
        receiver.wait_for(1)
    note(ada, demand["ref"])
    with delivering(app):
        pass

    assert len(receiver.requests) == 1
    read = eve.get(f"{API}/webhooks/{webhook['id']}").json()
    assert (read["state"], read["state_reason"]) == ("disabled", "The endpoint answered 410 Gone.")
    [event] = ada.get(f"{API}/events", params={"types": "webhook.disabled"}).json()["items"]
    assert event["data"]["webhook"]["id"] == webhook["id"]
    [lane] = rows(database, Lane)
    assert lane.cursor_seq < lane.wake_seq  # it could catch up


def test_after_five_days_an_event_is_given_up(app, database, ada, eve, receiver, time):
    demand = a_demand(ada)
    a_webhook(eve, receiver.script("/hook", *["500"] * 5, "204"), types=["demand.update_added"])
    note(ada, demand["ref"], "old")
    note(ada, demand["ref"], "old too")
    for attempts in range(1, 6):
        with delivering(app):
            receiver.wait_for(attempts)
        time.forward(days=1, minutes=1)

    note(ada, demand["ref"], "new")
    with delivering(app):
        receiver.wait_for(6)

    assert texts(receiver.requests) == ["old"] * 5 + ["new"]
    assert [row.reason for row in rows(database, Undelivered)] == [Reason.EXPIRED, Reason.EXPIRED]


@pytest.mark.parametrize("before", [["204"], ["500"], ["500", "500"]], ids=["well before", "failing", "failing twice"])
def test_a_worker_that_stood_still_for_days_gives_nothing_up(app, database, ada, eve, receiver, time, before):
    demand = a_demand(ada)
    a_webhook(eve, receiver.script("/hook", *before, "500", "204"), types=["demand.update_added"])
    note(ada, demand["ref"], "first")
    note(ada, demand["ref"], "second")
    for _ in before:
        with delivering(app):
            pass
        time.forward(seconds=7)

    time.forward(days=6)
    for _ in range(3):
        with delivering(app):
            pass
        time.forward(hours=1)

    assert [*dict.fromkeys(texts(receiver.requests))] == ["first", "second"]
    assert rows(database, Undelivered) == []


def test_five_days_of_a_fault_of_ours_give_nothing_up(app, database, ada, eve, receiver, time):
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"], "kept")

    for _ in range(7):
        with delivering(app, webhook_allow_networks=()):
            pass
        time.forward(days=1)
    with delivering(app):
        pass

    assert texts(receiver.requests) == ["kept"]
    assert rows(database, Undelivered) == []


def test_faults_of_ours_between_failures_of_theirs_give_nothing_up(app, database, ada, eve, receiver, time):
    a_webhook(eve, receiver.script("/hook", "503", "503", "204"), types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"], "kept")
    with delivering(app):
        receiver.wait_for(1)
    for _ in range(7):
        time.forward(days=1)
        with delivering(app, webhook_allow_networks=()):
            pass

    for _ in range(2):
        time.forward(days=1)
        with delivering(app):
            pass

    assert texts(receiver.requests) == ["kept"] * 3
    assert rows(database, Undelivered) == []


def test_what_a_dead_worker_had_claimed_is_sent_by_another(app, database, ada, eve, receiver, time):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    note(ada, demand["ref"])
    with database.write() as session:
        planning.plan(session)
        assert len(lanes.claim(session, "dead", 10)) == 1

    with delivering(app):
        pass
    assert receiver.requests == []
    time.forward(seconds=LEASE.total_seconds() + 1)
    with delivering(app):
        receiver.wait_for(1)


def test_a_worker_that_is_stopped_gives_back_what_it_cannot_finish(app, database, ada, eve, receiver, monkeypatch):
    monkeypatch.setattr("app.webhooks.delivering.LAST_WORDS_SECONDS", 0.1)
    demand = a_demand(ada)
    a_webhook(eve, receiver.script("/hook", "204", "hang", "204"), types=["demand.update_added"])
    note(ada, demand["ref"], "first")
    note(ada, demand["ref"], "second")

    with delivering(app):
        receiver.wait_for(2)
    with delivering(app):
        receiver.wait_for(3)

    assert texts(receiver.requests) == ["first", "second", "second"]
    assert [attempt.outcome for attempt in rows(database, Attempt)] == [Outcome.DELIVERED, Outcome.DELIVERED]


def test_an_endpoint_that_hangs_holds_up_nobody_else(app, ada, eve, receiver, monkeypatch):
    monkeypatch.setattr("app.webhooks.delivering.LAST_WORDS_SECONDS", 0.1)
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/hang"), types=["demand.update_added"])
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])

    with delivering(app):
        for number in range(10):
            note(ada, demand["ref"], str(number))
        receiver.wait_for(11)

    assert texts(receiver.requests, "/204") == [str(number) for number in range(10)]
    assert texts(receiver.requests, "/hang") == ["0"]


def test_a_worker_keeps_the_lane_of_a_slow_endpoint(app, database, ada, eve, receiver, monkeypatch, time):
    look_often(monkeypatch)
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/hang"), types=["demand.update_added"])

    with delivering(app):
        note(ada, demand["ref"])
        receiver.wait_for(1)
        time.forward(seconds=LEASE.total_seconds() - 5)
        wait_until(lambda: rows(database, Lane)[0].ready_at > clock.now() + LEASE / 2)

    assert len(receiver.requests) == 1


def test_a_worker_that_lost_a_lane_leaves_it(app, database, ada, eve, receiver, monkeypatch):
    look_often(monkeypatch)
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/hang"), types=["demand.update_added"])

    with delivering(app) as deliverer:
        note(ada, demand["ref"])
        receiver.wait_for(1)
        with database.write() as session:
            session.exec(select(Lane)).one().lease_epoch += 1
        wait_until(lambda: not deliverer._under_way)

    [lane] = rows(database, Lane)
    assert lane.lease_owner is not None
    assert lane.cursor_seq < lane.wake_seq
    assert rows(database, Attempt) == []


def test_a_worker_that_prepares_slowly_gets_on_with_fewer_at_a_time(app, ada, eve, receiver, monkeypatch):
    turns = itertools.count(1)

    def prepare_slowly(*args):
        runs = preparing.prepare(*args)
        passed = 3 * next(turns)
        monkeypatch.setattr("app.webhooks.delivering.monotonic", lambda: monotonic() + passed)
        return runs

    monkeypatch.setattr("app.webhooks.delivering.prepare", prepare_slowly)
    paths = [f"/204?{number}" for number in range(4)]
    for path in paths:
        a_webhook(eve, receiver.url(path), types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"])

    with delivering(app):
        receiver.wait_for(4)

    assert sorted(request.path for request in receiver.requests) == paths


def test_a_webhook_that_cannot_be_prepared_holds_up_no_other(app, database, ada, eve, receiver, monkeypatch, time):
    def render(view, *args):
        if view.type == "demand.status_changed":
            raise ValueError("a fault of ours")
        return messages_module.render(view, *args)

    monkeypatch.setattr("app.webhooks.preparing.render", render)
    a_webhook(eve, receiver.url("/204?held"), types=["demand.status_changed"])
    others = [f"/204?{number}" for number in range(5)]
    for path in others:
        a_webhook(eve, receiver.url(path), types=["demand.update_added"])
    demand = a_demand(ada)
    change(ada, demand["ref"], "in_progress")
    note(ada, demand["ref"])

    with delivering(app):
        receiver.wait_for(5)
    assert sorted(request.path for request in receiver.requests) == others
    with database.read() as session:
        assert Tallies(session).unprepared > 0

    monkeypatch.setattr("app.webhooks.preparing.render", messages_module.render)
    time.forward(seconds=LEASE.total_seconds() + 1)
    with delivering(app):
        receiver.wait_for(6)
    assert receiver.requests[-1].path == "/204?held"


def test_what_was_sent_to_one_webhook_and_cannot_be_noted_holds_up_no_other(
    app, database, ada, eve, receiver, monkeypatch, time
):
    def fail(*args):
        raise ValueError("a fault of ours")

    look_often(monkeypatch)
    gone = a_webhook(eve, receiver.url("/410"), types=["demand.update_added"])
    others = [f"/204?{number}" for number in range(3)]
    for path in others:
        a_webhook(eve, receiver.url(path), types=["demand.update_added"])
    ref = a_demand(ada)["ref"]

    with monkeypatch.context() as faulty, delivering(app):
        faulty.setattr("app.webhooks.actions.disable_webhook", fail)
        note(ada, ref, "one")
        receiver.wait_for(4)
        note(ada, ref, "two")
        receiver.wait_for(7)
        wait_until(lambda: len(rows(database, Attempt)) == 6)
    with database.read() as session:
        unsettled = Tallies(session).unsettled
    time.forward(seconds=LEASE.total_seconds() + 1)
    with delivering(app):
        receiver.wait_for(8)

    assert all(texts(receiver.requests, path) == ["one", "two"] for path in others)
    assert texts(receiver.requests, "/410") == ["one", "one"]
    assert unsettled == 1
    assert eve.get(f"{API}/webhooks/{gone['id']}").json()["state"] == "disabled"


def test_what_came_back_while_the_database_was_away_is_noted_once_it_is_there(
    app, database, ada, eve, receiver, monkeypatch
):
    look_often(monkeypatch)
    a_webhook(eve, receiver.url("/waits-for-a-word"), types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"])
    tried = []

    def write():
        tried.append(clock.now())
        raise OSError("gone for a moment")

    with delivering(app):
        receiver.wait_for(1)
        with monkeypatch.context() as away:
            away.setattr(database, "write", write)
            receiver.say(204)
            wait_until(lambda: len(tried) > 6)
        wait_until(lambda: rows(database, Attempt))

    assert [attempt.outcome for attempt in rows(database, Attempt)] == [Outcome.DELIVERED]
    assert len(receiver.requests) == 1


def test_what_was_woken_by_a_clock_that_was_ahead_is_sent_now(app, database, ada, eve, receiver, time):
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    ref = a_demand(ada)["ref"]
    time.forward(hours=12)
    note(ada, ref, "kept")
    with database.write() as session:
        while planning.plan(session):
            pass

    time.forward(hours=-12)
    with delivering(app):
        receiver.wait_for(1)

    assert texts(receiver.requests) == ["kept"]


@pytest.mark.parametrize("left", ["a lease", "a wait"])
def test_a_clock_that_was_ahead_for_a_while_leaves_nothing_stuck(app, database, ada, eve, receiver, time, left):
    a_webhook(eve, receiver.script("/hook", "500" if left == "a wait" else "204", "204"), types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"], "kept")
    time.forward(days=3)
    if left == "a wait":
        with delivering(app):
            receiver.wait_for(1)
    else:
        with database.write() as session:
            while planning.plan(session):
                pass
            assert lanes.claim(session, "dead", 1)

    time.forward(days=-3)
    with delivering(app):
        receiver.wait_for(2 if left == "a wait" else 1)

    assert texts(receiver.requests)[-1] == "kept"


def test_two_workers_share_the_work_and_keep_the_order(app, ada, eve, receiver):
    demand = a_demand(ada)
    paths = [f"/204?{number}" for number in range(5)]
    for path in paths:
        a_webhook(eve, receiver.url(path), types=["demand.update_added"])

    with ExitStack() as workers:
        for _ in range(2):
            workers.enter_context(delivering(app, webhook_concurrency=3))
        for number in range(10):
            note(ada, demand["ref"], str(number))
        receiver.wait_for(50)

    for path in paths:
        assert texts(receiver.requests, path) == [str(number) for number in range(10)]


def test_what_another_process_commits_is_noticed_too(app, settings, ada, eve, receiver, monkeypatch):
    look_often(monkeypatch)
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    elsewhere, app.state.database = app.state.database, open_database(settings)  # tells its own listeners only

    try:
        with delivering(app):
            app.state.database, own = elsewhere, app.state.database
            note(ada, demand["ref"])
            receiver.wait_for(1)
    finally:
        app.state.database = elsewhere
    own.dispose()


def test_a_webhook_gets_what_its_organization_may_see(app, database, ada, eve, client_for, receiver):
    admin = client_for("admin")
    admin.post(f"{API}/organizations", json={"slug": "readers", "name": "Readers", "reads": "public"})
    reader = client_for("partner", "readers")
    a_webhook(eve, receiver.url("/204?partner"), types=["demand.update_added"])
    a_webhook(reader, receiver.url("/204?public"), types=["demand.update_added"])
    for_all, for_partners = a_demand(ada), a_demand(ada, audience="partners")
    draft = a_draft(ada)

    with delivering(app):
        note(ada, draft["ref"], "drafted")
        note(ada, for_partners["ref"], "for partners")
        note(ada, for_all["ref"], "for all")
        receiver.wait_for(3)

    assert texts(receiver.requests, "/204?partner") == ["for partners", "for all"]
    assert texts(receiver.requests, "/204?public") == ["for all"]


def test_staff_set_up_webhooks_that_see_no_more_than_their_organization(app, ada, receiver):
    a_webhook(ada, receiver.url("/204"))
    hidden, shown = a_draft(ada), a_demand(ada)

    with delivering(app):
        note(ada, hidden["ref"])
        note(ada, shown["ref"], "shown")
        receiver.wait_for(1)

    about = {message["data"].get("demand", {}).get("ref") for message in messages(receiver.requests)}
    assert hidden["ref"] not in about


def test_what_was_taken_from_view_is_not_sent_but_told(app, ada, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    note(ada, demand["ref"], "a private address")
    taken = ada.put(f"{API}/demands/{demand['ref']}/publication", json={"state": "unpublished", "reason": "private"})
    assert taken.status_code == 200

    with delivering(app):
        receiver.wait_for(1)

    [message] = messages(receiver.requests)
    assert message["type"] == "demand.unpublished"
    assert message["data"]["demand"] == {"ref": demand["ref"]}


def test_what_is_published_later_comes_from_then_on(app, ada, eve, receiver):
    draft = a_draft(ada)
    a_webhook(eve, receiver.url("/204"))
    note(ada, draft["ref"], "while it was a draft")
    with delivering(app):
        pass

    with delivering(app):
        publish(ada, draft["ref"])
        note(ada, draft["ref"], "in the open")
        receiver.wait_for(2)

    types = [message["type"] for message in messages(receiver.requests)]
    assert types == ["demand.published", "demand.update_added"]


def test_a_webhook_that_was_deleted_gets_nothing_more(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204?deleted"), types=["demand.update_added"])
    a_webhook(eve, receiver.url("/204?kept"), types=["demand.update_added"])
    note(ada, demand["ref"])
    eve.delete(f"{API}/webhooks/{webhook['id']}")

    with delivering(app):
        receiver.wait_for(1)

    assert [request.path for request in receiver.requests] == ["/204?kept"]


def test_a_revised_webhook_goes_to_the_new_url_by_the_new_types(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204?old"), types=["demand.update_added", "demand.status_changed"])
    note(ada, demand["ref"])
    change(ada, demand["ref"], "in_progress")
    eve.patch(
        f"{API}/webhooks/{webhook['id']}", json={"url": receiver.url("/204?new"), "types": ["demand.status_changed"]}
    )

    with delivering(app):
        receiver.wait_for(1)

    assert [(request.path, json.loads(request.body)["type"]) for request in receiver.requests] == [
        ("/204?new", "demand.status_changed")
    ]


def test_an_address_that_the_operator_closed_is_no_fault_of_the_endpoint(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])

    with delivering(app, webhook_allow_networks=()):
        note(ada, demand["ref"])
        wait_until(lambda: rows(database, Attempt))

    assert receiver.requests == []
    [attempt], [lane] = rows(database, Attempt), rows(database, Lane)
    assert (attempt.error, attempt.outcome) == (Failure.BLOCKED_ADDRESS, Outcome.RETRY)
    assert (lane.fail_streak, lane.first_fail_at) == (1, None)


def test_a_lost_secret_key_delays_messages_and_loses_none(app, database, ada, eve, receiver, time, monkeypatch):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    note(ada, demand["ref"], "kept")

    with monkeypatch.context() as another_key:
        another_key.setitem(app.state._state, "vault", Vault("another"))
        with delivering(app):
            wait_until(lambda: rows(database, Attempt))
    time.forward(seconds=7)
    with delivering(app):
        receiver.wait_for(1)

    assert rows(database, Attempt)[0].error == Failure.LOCAL
    assert texts(receiver.requests) == ["kept"]


def test_what_an_endpoint_answers_can_always_be_noted(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/odd-redirect"), types=["demand.update_added"])
    a_webhook(eve, receiver.url("/nul"), types=["demand.update_added"])

    with delivering(app):
        note(ada, demand["ref"])
        receiver.wait_for(2)

    by_path = {attempt.outcome: attempt for attempt in rows(database, Attempt)}
    assert by_path[Outcome.DELIVERED].response_body.startswith(b"a\0b\xff")
    assert by_path[Outcome.RETRY].error == Failure.REDIRECT


def test_the_worker_survives_a_failing_database(app, ada, eve, receiver, monkeypatch):
    demand = a_demand(ada)
    a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    planned, failures = planning.plan, iter([OSError("gone for a moment")])

    def plan(session):
        for failure in failures:
            raise failure
        return planned(session)

    monkeypatch.setattr(planning, "plan", plan)
    with delivering(app):
        note(ada, demand["ref"])
        receiver.wait_for(1)

    assert next(failures, None) is None, "the database has failed once"


def test_the_body_is_the_same_for_all_who_see_the_same(app, ada, eve, receiver):
    demand = a_demand(ada)
    for _ in range(2):
        a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])

    with delivering(app):
        note(ada, demand["ref"])
        first, second = receiver.wait_for(2)

    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert abs(int(first.headers["webhook-timestamp"]) - clock.now().timestamp()) < 60
