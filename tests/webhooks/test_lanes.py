"""The life of a lane, step by step, on both databases."""

import datetime
import math

import pytest
from sqlmodel import select

from app import clock, ledger
from app.accounts.actor import system
from app.fields import Audience
from app.ledger.selecting import match_keys
from app.webhooks import backoff, lanes, planning, settling
from app.webhooks.answers import Failure, Outcome
from app.webhooks.lanes import Work
from app.webhooks.models import Attempt, Lane, PlanProgress, Reason, State, Tried, Undelivered, Webhook
from app.webhooks.outlook import outlook
from tests.databases import on_postgresql
from tests.statements import asked
from tests.webhooks.deliveries import LEASE, a_webhook, rows

HOOK = "http://127.0.0.1:9999/hook"
ONE, OTHER = "worker-1", "worker-2"


def happen(database, *keys, times=1, **options):
    """Events with these keys, each in a transaction of its own."""
    for _ in range(times):
        with database.write() as session:
            about = ledger.About(keys=keys)
            ledger.record(session, system("tests"), "demand.revised", about, audience=Audience.PUBLIC, **options)


def plan(database):
    with database.write() as session:
        return planning.plan(session)


class Killed(Exception):
    pass


def plan_and_die(database):
    with database.write() as session:
        planning.plan(session)
        raise Killed


def plan_all(database):
    while plan(database):
        pass


def claim(database, owner=ONE, limit=10):
    with database.write() as session:
        return lanes.claim(session, owner, limit)


def settle(database, *works):
    settling.settle(database, list(works))


def lane_of(database, webhook):
    return next(lane for lane in rows(database, Lane) if str(lane.webhook_id) == webhook["id"])


def an_attempt(claimed, outcome, error=None):
    return Tried(
        webhook_id=claimed.lease.webhook_id,
        event_id=claimed.lease.webhook_id,
        seq=claimed.wake_seq,
        started_at=clock.now(),
        duration_ms=1,
        outcome=outcome,
        error=error,
        detail="",
        request_headers={},
        response_headers={},
        response_body=b"",
    )


def done(claimed, outcome=Outcome.DELIVERED, error=None, **work):
    """Work that brought the lane to its wake, or failed to."""
    reached = claimed.cursor_seq if outcome in (Outcome.RETRY, Outcome.GONE) else claimed.wake_seq
    return Work(claimed.lease, reached, attempts=[an_attempt(claimed, outcome, error)], **work)


def given_up(webhook_id, seq):
    return Undelivered(
        webhook_id=webhook_id, seq=seq, event_id=webhook_id, reason=Reason.REJECTED, set_aside_at=clock.now()
    )


@pytest.fixture
def woken(database, eve):
    """A webhook with work to do."""
    webhook = a_webhook(eve, HOOK)
    happen(database)
    plan_all(database)
    return webhook


def test_a_new_webhook_is_idle_at_the_end_of_the_ledger(database, eve):
    happen(database, times=3)
    plan_all(database)
    webhook = a_webhook(eve, HOOK, types=["demand.revised"])

    plan_all(database)

    assert lane_of(database, webhook).ready_at is None
    assert claim(database) == []


def test_planning_wakes_those_whom_an_event_concerns(database, eve):
    revisions = a_webhook(eve, HOOK, types=["demand.revised"])
    citations = a_webhook(eve, HOOK, types=["demand.cited"])

    happen(database, times=2)
    plan_all(database)

    head = rows(database, PlanProgress)[0].seq
    assert (lane_of(database, revisions).wake_seq, lane_of(database, citations).ready_at) == (head, None)
    assert [str(claimed.lease.webhook_id) for claimed in claim(database)] == [revisions["id"]]


def test_planning_goes_in_chunks_and_events_do_not_wait_for_one_another(database, eve, monkeypatch):
    monkeypatch.setattr(planning, "_LANES_AT_ONCE", 2)
    monkeypatch.setattr(planning, "_EVENTS_AT_ONCE", 3)
    webhooks = [a_webhook(eve, HOOK, types=["demand.revised"]) for _ in range(5)]
    plan_all(database)

    happen(database, times=4)
    chunks = 1
    while plan(database):
        chunks += 1

    assert chunks == 6  # three for the first events, three for the last
    head = rows(database, PlanProgress)[0].seq
    assert [lane_of(database, webhook).wake_seq for webhook in webhooks] == [head] * 5


@pytest.mark.parametrize("planned", [1, 2], ids=["in one plan", "later"])
def test_while_a_crowd_is_being_woken_those_who_want_what_few_want_need_not_wait(database, eve, monkeypatch, planned):
    monkeypatch.setattr(planning, "_LANES_AT_ONCE", 2)
    monkeypatch.setattr(planning, "_FEW", 2)
    for _ in range(5):
        a_webhook(eve, HOOK, filters={"tag": ["crowd"]})
    few = a_webhook(eve, HOOK, filters={"tag": ["few"]})
    both = a_webhook(eve, HOOK, filters={"tag": ["crowd", "few"]})
    plan_all(database)
    before = rows(database, PlanProgress)[0].seq
    happen(database, "tag:crowd")
    if planned == 1:
        happen(database, "tag:few")
    plan(database)
    if planned == 2:
        happen(database, "tag:few")

    with database.write() as session:
        planning.plan_ahead(session)

    claimed = {str(each.lease.webhook_id): (each.cursor_seq, each.wake_seq) for each in claim(database)}
    assert len(claimed) == 4
    assert claimed[few["id"]] == claimed[both["id"]] == (before, before + 2)
    plan_all(database)
    assert len(claim(database)) == 3
    assert lane_of(database, both).wake_seq == before + 2


def test_a_planner_that_dies_in_between_leaves_its_chunk_to_the_next(database, eve, monkeypatch):
    monkeypatch.setattr(planning, "_LANES_AT_ONCE", 2)
    webhooks = [a_webhook(eve, HOOK, types=["demand.revised"]) for _ in range(5)]
    plan_all(database)
    happen(database)
    plan(database)

    with pytest.raises(Killed):
        plan_and_die(database)
    after_the_crash = rows(database, PlanProgress)[0]
    plan_all(database)

    assert str(after_the_crash.after_webhook_id) == sorted(webhook["id"] for webhook in webhooks)[1]
    assert len(claim(database)) == 5


def test_planning_again_what_was_planned_wakes_nobody(database, woken):
    settle(database, *(done(claimed) for claimed in claim(database)))

    with database.write() as session:
        session.get_one(PlanProgress, 1).seq = 0
    plan_all(database)

    assert lane_of(database, woken).ready_at is None


@on_postgresql
def test_one_planner_does_not_wait_for_another(database, eve):
    a_webhook(eve, HOOK)
    happen(database)

    with database.write() as first:
        first.execute(select(PlanProgress).with_for_update())
        assert plan(database) is False

    assert claim(database) == []


def test_a_lane_that_is_done_need_not_read_what_did_not_concern_it(database, eve):
    webhook = a_webhook(eve, HOOK, filters={"tag": ["rare"]})
    happen(database, "tag:common", times=20)
    plan_all(database)
    before = rows(database, PlanProgress)[0].seq
    happen(database, "tag:rare")
    plan_all(database)

    [claimed] = claim(database)

    assert (claimed.cursor_seq, claimed.wake_seq) == (before, before + 1)
    assert str(claimed.lease.webhook_id) == webhook["id"]


def test_a_lane_that_is_not_done_keeps_its_place(database, woken):
    place = lane_of(database, woken).cursor_seq
    happen(database, times=3)
    plan_all(database)

    [claimed] = claim(database)

    assert claimed.cursor_seq == place
    assert claimed.wake_seq == rows(database, PlanProgress)[0].seq


def test_those_that_have_waited_longest_come_first(database, eve, time):
    ids = [a_webhook(eve, HOOK, filters={"tag": [tag]})["id"] for tag in "abc"]
    for tag in "cab":
        happen(database, f"tag:{tag}")
        plan_all(database)
        time.forward(seconds=1)

    claimed = [str(claim(database, limit=1)[0].lease.webhook_id) for _ in range(3)]

    assert claimed == [ids[2], ids[0], ids[1]]


def test_some_go_to_those_who_came_last_so_that_a_crowd_holds_up_nobody(database, eve, time):
    for _ in range(8):
        a_webhook(eve, HOOK, filters={"tag": ["crowd"]})
    few = a_webhook(eve, HOOK, filters={"tag": ["few"]})
    happen(database, "tag:crowd", times=2)
    plan_all(database)
    time.forward(seconds=1)
    happen(database, "tag:few")
    plan_all(database)

    claimed = claim(database, limit=4)

    assert few["id"] == str(claimed[-1].lease.webhook_id)
    assert len(claimed) == 4


def test_who_has_more_to_do_is_not_among_those_who_came_last(database, eve, time):
    for _ in range(5):
        a_webhook(eve, HOOK, filters={"tag": ["crowd"]})
    few = a_webhook(eve, HOOK, filters={"tag": ["few"]})
    happen(database, "tag:crowd", times=2)
    plan_all(database)
    time.forward(seconds=1)
    happen(database, "tag:few")
    plan_all(database)

    begun = claim(database, limit=1)
    settle(database, *(Work(each.lease, each.cursor_seq + 1, [an_attempt(each, Outcome.DELIVERED)]) for each in begun))
    claimed = claim(database, limit=4)

    assert few["id"] == str(claimed[-1].lease.webhook_id)


def test_what_one_worker_holds_the_other_does_not_get(database, woken):
    assert len(claim(database, ONE)) == 1
    assert claim(database, OTHER) == []


@on_postgresql
def test_two_workers_that_claim_at_the_same_time_share_the_lanes(database, eve):
    for _ in range(4):
        a_webhook(eve, HOOK)
    happen(database)
    plan_all(database)

    with database.write() as first, database.write() as second:
        shares = [lanes.claim(first, ONE, 3), lanes.claim(second, OTHER, 3)]

    assert [len(share) for share in shares] == [3, 1]


def test_what_a_dead_worker_held_goes_to_the_next_when_its_lease_is_over(database, woken, time):
    [dead] = claim(database, ONE)

    time.forward(seconds=LEASE.total_seconds() + 1)
    [taken] = claim(database, OTHER)

    assert taken.lease.epoch == dead.lease.epoch + 1
    assert (taken.cursor_seq, taken.wake_seq) == (dead.cursor_seq, dead.wake_seq)


def test_a_lease_that_is_renewed_lasts(database, woken, time):
    [claimed] = claim(database, ONE)
    time.forward(seconds=LEASE.total_seconds() - 1)

    with database.write() as session:
        assert lanes.renew(session, [claimed.lease]) == {claimed.lease}
    time.forward(seconds=2)

    assert claim(database, OTHER) == []


def test_a_worker_that_comes_too_late_changes_nothing(database, woken, time):
    [late] = claim(database, ONE)
    time.forward(seconds=LEASE.total_seconds() + 1)
    [present] = claim(database, OTHER)

    with database.write() as session:
        assert lanes.renew(session, [late.lease]) == set()
    settle(database, done(late, Outcome.GONE))
    settle(database, done(late))

    lane = lane_of(database, woken)
    assert (lane.cursor_seq, lane.lease_owner, lane.fail_streak) == (present.cursor_seq, OTHER, 0)
    assert rows(database, Attempt) == []
    settle(database, done(present))
    assert lane_of(database, woken).cursor_seq == present.wake_seq


def test_settling_twice_counts_once(database, woken):
    [claimed] = claim(database)
    work = done(claimed, Outcome.RETRY)

    settle(database, work)
    settle(database, Work(work.lease, work.cursor_seq, attempts=[an_attempt(claimed, Outcome.RETRY)]))

    assert lane_of(database, woken).fail_streak == 1
    assert len(rows(database, Attempt)) == 1


def test_what_comes_while_a_lane_is_worked_is_not_forgotten(database, woken):
    [claimed] = claim(database)
    happen(database)
    plan_all(database)

    settle(database, done(claimed))

    [again] = claim(database)
    assert (again.cursor_seq, again.wake_seq) == (claimed.wake_seq, claimed.wake_seq + 1)


def test_after_a_delivery_the_lane_rests(database, woken):
    settle(database, done(claim(database)[0]))

    lane = lane_of(database, woken)
    assert (lane.ready_at, lane.lease_owner, lane.cursor_seq) == (None, None, lane.wake_seq)
    assert lane.last_ok_at is not None


def test_after_a_failure_the_lane_waits_longer_and_longer(database, woken, time):
    waits = []
    for _ in range(3):
        [claimed] = claim(database)
        settle(database, done(claimed, Outcome.RETRY))
        waits.append((lane_of(database, woken).ready_at - clock.now()).total_seconds())
        time.forward(seconds=waits[-1] + 1)

    asked_after = 2  # seconds at most, on a busy machine
    steps = zip((5, 30, 120), waits, strict=True)
    assert [0.8 * step - asked_after <= wait <= 1.2 * step for step, wait in steps] == [True] * 3
    lane = lane_of(database, woken)
    assert lane.fail_streak == 3
    assert lane.first_fail_at < clock.now() - datetime.timedelta(seconds=100)
    settle(database, done(claim(database)[0]))
    assert (lane_of(database, woken).fail_streak, lane_of(database, woken).first_fail_at) == (0, None)


@pytest.mark.parametrize("outcome", [Outcome.RETRY, Outcome.REJECTED])
def test_what_many_failed_to_take_is_noted_in_as_few_statements_as_of_few(database, eve, outcome):
    def failed(webhooks):
        for _ in range(webhooks):
            a_webhook(eve, HOOK)
        happen(database)
        plan_all(database)
        works = [done(claimed, outcome) for claimed in claim(database)]
        for work in works:
            work.set_aside.append(given_up(work.lease.webhook_id, work.cursor_seq))
        with asked(by_this_thread=True) as statements:
            settle(database, *works)
        return len(works), [statement[:40] for statement, _ in statements]

    _, few, many = failed(1), failed(1), failed(8)

    assert few[0] < many[0]
    assert few[1] == many[1]


def test_a_failure_of_our_own_waits_but_does_not_count_against_the_endpoint(database, woken):
    settle(database, done(claim(database)[0], Outcome.RETRY, Failure.LOCAL))

    lane = lane_of(database, woken)
    assert lane.ready_at > clock.now()
    assert lane.first_fail_at is None


def test_the_schedule_ends_with_every_eight_hours_and_hears_the_endpoint():
    assert 0.8 * 28_800 <= backoff.retry_in_seconds(40, None) <= 1.2 * 28_800
    assert backoff.retry_in_seconds(1, 3600.0) == 3600
    assert backoff.retry_in_seconds(3, 1.0) >= 96


def test_an_event_that_was_set_aside_lets_the_others_pass(database, woken):
    [claimed] = claim(database)

    settle(database, done(claimed, Outcome.REJECTED, set_aside=[given_up(claimed.lease.webhook_id, claimed.wake_seq)]))

    lane = lane_of(database, woken)
    assert (lane.ready_at, lane.cursor_seq) == (None, lane.wake_seq)
    assert [row.reason for row in rows(database, Undelivered)] == [Reason.REJECTED]


def test_an_endpoint_that_is_gone_is_disabled_and_its_lane_rests_where_it_is(database, woken):
    [claimed] = claim(database)

    settle(database, done(claimed, Outcome.GONE))

    assert rows(database, Webhook)[0].state is State.DISABLED
    lane = lane_of(database, woken)
    assert (lane.ready_at, lane.cursor_seq) == (None, claimed.cursor_seq)


@pytest.mark.parametrize("state", [State.PAUSED, State.DISABLED])
def test_a_webhook_that_is_not_active_only_notes_how_far_it_would_go(database, eve, state):
    webhook = a_webhook(eve, HOOK)
    with database.write() as session:
        session.exec(select(Webhook)).one().state = state

    happen(database)
    plan_all(database)

    lane = lane_of(database, webhook)
    assert lane.ready_at is None
    assert lane.wake_seq > lane.cursor_seq


def test_the_outlook_says_when_to_look_again(database, woken, time):
    def ahead():
        with database.read() as session:
            return outlook(session)

    assert (ahead().unplanned, ahead().due) == (False, True)
    happen(database)
    assert ahead().unplanned
    plan_all(database)
    [claimed] = claim(database)
    assert not ahead().due
    assert 0 < ahead().due_in_seconds <= LEASE.total_seconds()
    settle(database, done(claimed))
    settle(database, *map(done, claim(database)))
    assert ahead().due_in_seconds == math.inf


def test_a_deleted_webhook_is_no_work(database, eve, woken):
    [claimed] = claim(database)
    eve.delete(f"/api/v1/webhooks/{woken['id']}")

    settle(database, done(claimed, Outcome.GONE))

    assert rows(database, Attempt) == []


def test_revising_changes_what_wakes_the_lane(database, eve):
    webhook = a_webhook(eve, HOOK, filters={"tag": ["a"]})
    eve.patch(f"/api/v1/webhooks/{webhook['id']}", json={"filters": {"tag": ["b"]}})

    happen(database, "tag:a")
    plan_all(database)
    assert claim(database) == []
    happen(database, "tag:b")
    plan_all(database)

    assert len(claim(database)) == 1
    assert match_keys([], {"tag": ["b"]}) == {"tag:b", "notice"}
