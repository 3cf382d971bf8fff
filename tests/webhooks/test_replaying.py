"""Sending again: the same messages, in their order, while the lane keeps its place."""

import datetime
import json

import pytest

from app import clock
from app.fields import utc
from app.webhooks import lanes, replaying, resending
from app.webhooks.models import Lane, Undelivered
from app.webhooks.resending import Progress
from tests.factories import API, a_demand, change
from tests.webhooks.deliveries import a_webhook, delivering, note, rows, texts

UPDATES = {"types": ["demand.update_added"]}


def replay(client, webhook, **new):
    answer = client.post(f"{API}/webhooks/{webhook['id']}/replay", json=new)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{API}/webhooks/{webhook['id']}/replay/{answer.json()['id']}"
    return answer.json()


def retry(client, webhook, **new):
    answer = client.post(f"{API}/webhooks/{webhook['id']}/undelivered/retries", json=new)
    assert answer.status_code == 201, answer.text
    return answer.json()


def now_of(client, made):
    return client.get(f"{API}/webhooks/{made['webhook_id']}/replay/{made['id']}").json()


def deliver(app, receiver, count):
    with delivering(app):
        receiver.wait_for(count)


@pytest.fixture
def noted(app, ada, eve, receiver):
    """A webhook that was sent seven notes, `0` to `6`, and the ref of their demand."""
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES)
    for number in range(7):
        note(ada, demand["ref"], str(number))
    deliver(app, receiver, 7)
    return webhook, demand["ref"]


def test_a_replay_sends_the_same_messages_and_leaves_the_cursor(app, database, ada, eve, receiver, noted):
    webhook, _ = noted
    before = rows(database, Lane)[0]

    made = replay(eve, webhook, from_seq=1)
    deliver(app, receiver, 14)

    first, again = receiver.requests[:7], receiver.requests[7:]
    assert [r.headers["webhook-id"] for r in again] == [r.headers["webhook-id"] for r in first]
    assert [r.body for r in again] == [r.body for r in first]
    done = now_of(eve, made)
    assert (made["state"], done["state"]) == ("running", "finished")
    assert (done["delivered"], done["rejected"], done["at_seq"]) == (7, 0, done["to_seq"])
    [lane] = rows(database, Lane)
    assert (lane.cursor_seq, lane.wake_seq, lane.ready_at) == (before.cursor_seq, before.wake_seq, None)


def test_what_is_new_comes_first_and_in_its_order(app, ada, eve, receiver, noted):
    webhook, ref = noted

    replay(eve, webhook, from_seq=1)
    for number in range(7):
        note(ada, ref, f"new {number}")
    deliver(app, receiver, 21)

    sent = texts(receiver.requests[7:])
    assert [text for text in sent if text.startswith("new")] == [f"new {number}" for number in range(7)]
    assert [text for text in sent if not text.startswith("new")] == [str(number) for number in range(7)]
    assert sent[:5] == [f"new {number}" for number in range(5)]


def test_a_replay_begins_at_a_time_and_ends_at_a_seq(app, ada, eve, receiver, noted, time):
    webhook, ref = noted
    time.forward(hours=1)
    since = clock.now()
    late = [note(ada, ref, f"late {number}") for number in range(3)]
    assert len(late) == 3
    deliver(app, receiver, 10)
    last = eve.get(f"{API}/webhooks/{webhook['id']}/attempts").json()["items"][0]["seq"]

    replay(eve, webhook, since=utc(since), to_seq=last - 1)
    deliver(app, receiver, 12)

    assert texts(receiver.requests[10:]) == ["late 0", "late 1"]


def test_a_replay_from_a_time_on_passes_over_nothing_where_clocks_disagree(app, ada, eve, receiver, noted, time):
    webhook, ref = noted
    time.forward(days=3)
    since = clock.now()
    note(ada, ref, "in time")
    time.forward(hours=-1)
    for number in range(40):
        note(ada, ref, f"by a machine whose clock is late, {number}")
    deliver(app, receiver, 48)

    replay(eve, webhook, since=utc(since))
    deliver(app, receiver, 48 + 41)

    assert texts(receiver.requests[48:])[0] == "in time"


def test_a_replay_may_begin_before_all_time(eve, noted):
    webhook, _ = noted

    assert replay(eve, webhook, since="0001-01-01T00:00:00Z")["from_seq"] == 1


def test_a_replay_keeps_to_its_types_and_to_what_the_webhook_wants(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added", "demand.status_changed"])
    note(ada, demand["ref"], "one")
    change(ada, demand["ref"], "in_progress")
    deliver(app, receiver, 2)

    replay(eve, webhook, from_seq=1, types=["demand.update_added", "demand.published"])
    deliver(app, receiver, 3)

    assert texts(receiver.requests[2:]) == ["one"]


def test_a_replay_sends_no_more_what_was_taken_from_view(app, ada, eve, receiver, noted):
    webhook, ref = noted
    taken = {"state": "unpublished", "reason": "private"}
    assert ada.put(f"{API}/demands/{ref}/publication", json=taken).status_code == 200
    deliver(app, receiver, 8)

    made = replay(eve, webhook, from_seq=1)
    deliver(app, receiver, 9)

    assert len(receiver.requests) == 9  # the notice that it was taken from view, once more
    assert receiver.requests[8].body == receiver.requests[7].body
    assert now_of(eve, made)["delivered"] == 1


def test_one_that_was_given_up_is_retried(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "422", "422", "204"), **UPDATES)
    note(ada, demand["ref"], "one")
    note(ada, demand["ref"], "two")
    deliver(app, receiver, 2)
    _, second = rows(database, Undelivered)

    retry(eve, webhook, seq=second.seq)
    deliver(app, receiver, 3)

    assert texts(receiver.requests) == ["one", "two", "two"]
    [left] = rows(database, Undelivered)
    assert left.seq != second.seq


def test_all_that_were_given_up_are_retried_and_stay_where_they_are_refused_again(app, database, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", *["422"] * 7, "204", "422", "204"), **UPDATES)
    for number in range(7):
        note(ada, demand["ref"], str(number))
    deliver(app, receiver, 7)

    made = retry(eve, webhook)
    deliver(app, receiver, 14)

    assert texts(receiver.requests[7:]) == [str(number) for number in range(7)]
    assert (now_of(eve, made)["delivered"], now_of(eve, made)["rejected"]) == (6, 1)
    assert len(rows(database, Undelivered)) == 1


def test_what_is_not_undelivered_cannot_be_retried(eve, noted):
    webhook, _ = noted

    answer = eve.post(f"{API}/webhooks/{webhook['id']}/undelivered/retries", json={"seq": 1})

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert retry(eve, webhook)["only_undelivered"] is True


def test_a_replay_waits_with_the_lane_and_goes_on_where_it_was(app, ada, eve, receiver, noted, time):
    webhook, _ = noted
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.script("/moody", "204", "500", "204")})

    made = replay(eve, webhook, from_seq=1)
    deliver(app, receiver, 9)
    half = now_of(eve, made)
    time.forward(seconds=7)
    deliver(app, receiver, 15)

    assert texts(receiver.requests[7:]) == ["0", "1", "1", "2", "3", "4", "5", "6"]
    assert (half["state"], half["delivered"]) == ("running", 1)
    assert (now_of(eve, made)["state"], now_of(eve, made)["delivered"]) == ("finished", 7)


def test_a_late_worker_does_not_count_towards_a_replay(app, database, eve, receiver, noted):
    webhook, _ = noted
    made = replay(eve, webhook, from_seq=1)
    with database.write() as session:
        [late] = lanes.claim(session, "late", 10)
        session.get_one(Lane, late.lease.webhook_id).lease_epoch += 1
    work = lanes.Work(late.lease, late.cursor_seq, replay=Progress(made["id"], 10**6, delivered=[1]))

    with database.write() as session:
        lanes.settle(session, [work])

    assert now_of(eve, made) == made


def test_what_fails_when_it_is_sent_again_holds_back_nothing_new_and_no_other_replay(
    app, ada, eve, receiver, noted, time
):
    webhook, ref = noted
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.script("/moody", *["500"] * 4, "204")})
    made = replay(eve, webhook, from_seq=1)
    for attempts in range(8, 12):
        deliver(app, receiver, attempts)
        time.forward(minutes=6)
    time.forward(minutes=-5)

    note(ada, ref, "new")
    deliver(app, receiver, 12)
    other = replay(eve, webhook, from_seq=1)
    deliver(app, receiver, 20)
    before = now_of(eve, made)
    time.forward(minutes=30)
    deliver(app, receiver, 27)

    assert texts(receiver.requests[7:20]) == ["0"] * 4 + ["new"] + [str(number) for number in range(7)] + ["new"]
    assert now_of(eve, other)["state"] == "finished"
    assert before["state"] == "running"
    assert before["retry_at"] > utc(clock.now() - datetime.timedelta(minutes=30))
    assert texts(receiver.requests[20:]) == [str(number) for number in range(7)]
    assert (now_of(eve, made)["state"], now_of(eve, made)["retry_at"]) == ("finished", None)


def fail_again(app, receiver, time, attempts):
    for _ in range(attempts):
        with delivering(app):
            pass
        time.forward(hours=10)


def test_what_fails_too_often_when_it_is_sent_again_is_set_aside(
    app, database, ada, eve, receiver, noted, time, monkeypatch
):
    monkeypatch.setattr(resending, "MOST_ATTEMPTS", 3)
    webhook, _ = noted
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.script("/moody", *["500"] * 3, "204")})

    made = replay(eve, webhook, from_seq=1)
    fail_again(app, receiver, time, 3)
    deliver(app, receiver, 16)

    assert texts(receiver.requests[7:]) == ["0", "0", "0", "1", "2", "3", "4", "5", "6"]
    assert (now_of(eve, made)["state"], now_of(eve, made)["delivered"]) == ("finished", 6)
    assert [row.reason for row in rows(database, Undelivered)] == ["expired"]


def test_a_replay_of_which_nothing_gets_through_ends(app, eve, receiver, noted, time, monkeypatch):
    monkeypatch.setattr(resending, "MOST_ATTEMPTS", 3)
    webhook, _ = noted
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.url("/500")})

    made = replay(eve, webhook, from_seq=1)
    fail_again(app, receiver, time, 7)

    assert texts(receiver.requests[7:]) == ["0"] * 3 + ["1"] * 3
    assert now_of(eve, made)["state"] == "expired"
    assert len(given_up(eve, webhook)) == 1


def test_faults_of_ours_set_nothing_aside_that_is_sent_again(app, eve, receiver, noted, time, monkeypatch):
    monkeypatch.setattr(resending, "MOST_ATTEMPTS", 2)
    webhook, _ = noted

    made = replay(eve, webhook, from_seq=1)
    for _ in range(5):
        with delivering(app, webhook_allow_networks=()):
            pass
        time.forward(hours=10)
    deliver(app, receiver, 8)
    time.forward(hours=10)
    deliver(app, receiver, 14)

    assert (now_of(eve, made)["state"], now_of(eve, made)["delivered"]) == ("finished", 7)


def test_a_replay_does_not_wait_as_long_as_a_clock_that_was_ahead_has_it(app, eve, receiver, noted, time):
    webhook, _ = noted
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.script("/moody", "500", "204")})
    made = replay(eve, webhook, from_seq=1)
    time.forward(days=400)
    deliver(app, receiver, 8)

    time.forward(days=-400)
    deliver(app, receiver, 15)

    assert now_of(eve, made)["state"] == "finished"


def test_a_replay_that_is_cancelled_sends_nothing_more(app, ada, eve, receiver, noted, time):
    webhook, _ = noted
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.script("/moody", "204", "500", "204")})
    made, other = replay(eve, webhook, from_seq=1), replay(eve, webhook, from_seq=1, to_seq=1)
    deliver(app, receiver, 9)

    door = f"{API}/webhooks/{webhook['id']}/replay/{made['id']}"
    cancelled = eve.delete(door)
    time.forward(hours=1)
    deliver(app, receiver, 9)

    assert (cancelled.status_code, cancelled.json()["state"], cancelled.json()["delivered"]) == (200, "cancelled", 1)
    assert len(receiver.requests) == 9
    assert eve.delete(door).json() == now_of(eve, made) == cancelled.json()
    assert eve.delete(f"{API}/webhooks/{webhook['id']}/replay/{other['id']}").json()["state"] == "finished"
    told = ada.get(f"{API}/events", params={"types": "webhook.replay_cancelled"}).json()["items"]
    assert len(told) == 1


def test_a_new_start_of_the_webhook_is_one_for_its_replays(app, eve, receiver, noted):
    webhook, _ = noted
    eve.patch(f"{API}/webhooks/{webhook['id']}", json={"url": receiver.script("/moody", *["500"] * 3, "204")})
    replay(eve, webhook, from_seq=1)
    door = f"{API}/webhooks/{webhook['id']}"

    for attempts, what in enumerate(("now", "anew", "url"), 8):
        deliver(app, receiver, attempts)
        if what == "url":
            eve.patch(door, json={"url": receiver.url("/204")})
            continue
        if what == "anew":
            eve.put(f"{door}/paused", json={"paused": True})
        eve.put(f"{door}/paused", json={"paused": False})
    deliver(app, receiver, 17)

    assert texts(receiver.requests[7:]) == ["0", "0", "0", *map(str, range(7))]


def test_a_replay_is_not_given_up_because_it_rested(app, ada, eve, receiver, noted, time):
    webhook, _ = noted
    eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": True})
    made = replay(eve, webhook, from_seq=1)

    time.forward(days=6)
    eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": False})
    deliver(app, receiver, 14)

    assert (now_of(eve, made)["state"], now_of(eve, made)["delivered"]) == ("finished", 7)


def given_up(client, webhook):
    return client.get(f"{API}/webhooks/{webhook['id']}/undelivered").json()["items"]


@pytest.fixture
def refused(app, ada, eve, receiver):
    """A webhook whose endpoint refused a note once, and the ref of the demand."""
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.script("/hook", "422", "204"), **UPDATES)
    note(ada, demand["ref"], "one")
    deliver(app, receiver, 1)
    assert len(given_up(eve, webhook)) == 1
    return webhook, demand["ref"]


@pytest.mark.parametrize("revision", [{"types": ["demand.cited"]}, {"filters": {"tag": ["elsewhere"]}}])
def test_what_was_given_up_is_sent_though_the_webhook_wants_other_things_by_now(app, eve, receiver, refused, revision):
    webhook, _ = refused
    assert eve.patch(f"{API}/webhooks/{webhook['id']}", json=revision).status_code == 200

    made = retry(eve, webhook)
    deliver(app, receiver, 2)

    assert texts(receiver.requests) == ["one", "one"]
    assert (now_of(eve, made)["state"], now_of(eve, made)["delivered"]) == ("finished", 1)
    assert given_up(eve, webhook) == []


def test_what_was_given_up_and_may_not_be_seen_any_more_is_neither_sent_nor_listed(app, ada, eve, receiver, refused):
    webhook, ref = refused
    taken = {"state": "unpublished", "reason": "private"}
    assert ada.put(f"{API}/demands/{ref}/publication", json=taken).status_code == 200

    made = retry(eve, webhook)
    deliver(app, receiver, 2)

    assert [json.loads(request.body)["type"] for request in receiver.requests[1:]] == ["demand.unpublished"]
    assert (now_of(eve, made)["state"], now_of(eve, made)["delivered"]) == ("finished", 0)
    assert given_up(eve, webhook) == []


def test_a_replay_of_what_only_staff_are_told_of_is_refused(eve, noted):
    webhook, _ = noted
    new = {"from_seq": 1, "types": ["webhook.failing"]}

    refused = eve.post(f"{API}/webhooks/{webhook['id']}/replay", json=new)

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.types")


def test_a_replay_says_that_it_waits_until_the_webhook_is_active(app, eve, receiver, noted):
    webhook, _ = noted
    at_once = replay(eve, webhook, from_seq=1, to_seq=1)
    eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": True})

    made = replay(eve, webhook, from_seq=1)

    listed = eve.get(f"{API}/webhooks/{webhook['id']}/replay").json()["items"]
    assert (at_once["waits"], made["waits"], now_of(eve, made)["waits"]) == (False, True, True)
    assert listed[0]["waits"] is True
    eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": False})
    deliver(app, receiver, 14)
    assert (now_of(eve, made)["state"], now_of(eve, made)["waits"]) == ("finished", False)


@pytest.mark.parametrize(
    ("new", "where"),
    [
        ({"from_seq": 5, "to_seq": 2}, "body.to_seq"),
        ({"since": "2099-01-01T00:00:00Z"}, "body.since"),
        ({"from_seq": 10**9}, "body.from_seq"),
    ],
)
def test_a_replay_of_nothing_is_refused_with_the_word_that_makes_it_so(eve, noted, new, where):
    webhook, _ = noted

    answer = eve.post(f"{API}/webhooks/{webhook['id']}/replay", json=new)

    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, where)


def test_a_replay_fills_a_receiver_with_what_it_was_never_sent_too(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    note(ada, ref, "before there was a webhook")
    webhook = a_webhook(eve, receiver.url("/204"), **UPDATES, paused=True)
    note(ada, ref, "passed over")
    eve.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": False, "from": "now"})
    note(ada, ref, "sent")
    deliver(app, receiver, 1)

    replay(eve, webhook, from_seq=1)
    deliver(app, receiver, 4)

    assert texts(receiver.requests) == ["sent", "before there was a webhook", "passed over", "sent"]


def test_what_was_given_up_is_replayed_from_its_beginning_unless_another_is_said(app, ada, eve, receiver):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, receiver.script("/hook", "422", "204", "422", "204", "204"), **UPDATES)
    for text in ("refused", "taken", "refused too"):
        note(ada, ref, text)
    deliver(app, receiver, 3)

    replay(eve, webhook, only_undelivered=True)
    deliver(app, receiver, 5)

    assert texts(receiver.requests[3:]) == ["refused", "refused too"]
    assert eve.get(f"{API}/webhooks/{webhook['id']}/undelivered").json()["items"] == []


@pytest.mark.parametrize(
    ("new", "told"),
    [({}, "say where to begin, with since or from_seq"), ({"since": "2024-01-01", "from_seq": 1}, "not both")],
)
def test_whoever_gives_no_beginning_or_two_is_told_which(eve, noted, new, told):
    webhook, _ = noted

    answer = eve.post(f"{API}/webhooks/{webhook['id']}/replay", json=new)

    assert (answer.status_code, told in answer.json()["detail"]) == (422, True)


def test_a_replay_may_begin_with_a_day(eve, noted):
    webhook, _ = noted

    assert replay(eve, webhook, since="2020-01-01")["from_seq"] == 1
    assert replay(eve, webhook, since=clock.today().isoformat())["from_seq"] == 1


@pytest.mark.parametrize(
    "new", [{}, {"since": "2024-01-01T00:00:00Z", "from_seq": 1}, {"from_seq": 10**9}, {"from_seq": 0}, {"since": 17}]
)
def test_a_replay_needs_one_beginning_that_exists(eve, noted, new):
    webhook, _ = noted

    assert eve.post(f"{API}/webhooks/{webhook['id']}/replay", json=new).status_code == 422


def test_a_webhook_has_only_so_many_replays_at_a_time(eve, noted, monkeypatch):
    monkeypatch.setattr(replaying, "MOST_RUNNING", 2)
    webhook, _ = noted
    replay(eve, webhook, from_seq=1)
    replay(eve, webhook, from_seq=1)

    refused = eve.post(f"{API}/webhooks/{webhook['id']}/replay", json={"from_seq": 1})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-replays")
    assert len(eve.get(f"{API}/webhooks/{webhook['id']}/replay").json()["items"]) == 2
