"""The database is away for a moment while a worker is at it: nothing is sent twice or held up for that."""

import sqlite3

import pytest
from sqlalchemy import func
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from app.webhooks import lanes, preparing, resending, settling, tallying
from app.webhooks.answers import Outcome
from app.webhooks.models import Attempt, Reason, Undelivered
from app.webhooks.tallying import Tallies
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows, wait_until
from tests.webhooks.test_lanes import HOOK, claim, done, happen, plan_all

UPDATES = {"types": ["demand.update_added"]}


def lose_the_database(session):
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_terminate_backend(func.pg_backend_pid())))
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    raise OperationalError("UPDATE", {}, busy)


def losing_it(*, on, otherwise):
    """`otherwise`, but for the calls of those numbers, in which the database is lost."""
    calls = []

    def called(session, *args, **options):
        calls.append(session)
        if len(calls) in on:
            lose_the_database(session)
        return otherwise(session, *args, **options)

    return called


@pytest.fixture
def counted(database):
    def count():
        with database.read() as session:
            tallies = Tallies(session)
            return {"lost": tallies.leases_lost, "unsettled": tallies.unsettled, "unprepared": tallies.unprepared}

    return count


NOTHING = {"lost": 0, "unsettled": 0, "unprepared": 0}


def test_what_was_sent_while_the_database_was_lost_is_noted_and_not_sent_again(
    app, database, ada, eve, receiver, counted, monkeypatch
):
    monkeypatch.setattr(lanes, "settle", losing_it(on={1}, otherwise=lanes.settle))
    monkeypatch.setattr("app.webhooks.delivering.LOOK_EVERY_SECONDS", 0.05)
    a_webhook(eve, receiver.url("/204"), **UPDATES)
    note(ada, a_demand(ada)["ref"])

    with delivering(app):
        wait_until(lambda: rows(database, Attempt))

    assert [attempt.outcome for attempt in rows(database, Attempt)] == [Outcome.DELIVERED]
    assert len(receiver.requests) == 1
    assert counted() == NOTHING


def test_lanes_that_were_claimed_before_the_database_was_lost_are_worked_once_it_is_back(
    app, ada, eve, receiver, counted, monkeypatch
):
    monkeypatch.setattr("app.webhooks.delivering.prepare", losing_it(on={1}, otherwise=preparing.prepare))
    monkeypatch.setattr("app.webhooks.delivering.LOOK_EVERY_SECONDS", 0.05)
    a_webhook(eve, receiver.url("/204"), **UPDATES)
    note(ada, a_demand(ada)["ref"])

    with delivering(app):
        receiver.wait_for(1)

    assert len(receiver.requests) == 1
    assert counted() == NOTHING


def test_what_is_settled_one_by_one_before_the_database_is_lost_is_not_settled_again(
    database, eve, counted, monkeypatch
):
    for _ in range(3):
        a_webhook(eve, HOOK)
    happen(database, "type:demand.revised")
    plan_all(database)
    works = [done(lane) for lane in claim(database)]
    first, *others = works
    add = losing_it(on={2}, otherwise=tallying.add)

    def add_for_one(session, attempts=(), *args, **options):
        if len(attempts) > 1:
            raise ValueError("not all together")
        add(session, attempts, *args, **options)

    with monkeypatch.context() as faulty:
        faulty.setattr(tallying, "add", add_for_one)
        with pytest.raises(OperationalError):
            settling.settle(database, works)
    assert works == others

    settling.settle(database, works)

    assert works == []
    assert {attempt.webhook_id for attempt in rows(database, Attempt)} == {
        work.lease.webhook_id for work in [first, *others]
    }
    assert counted() == NOTHING


def test_what_a_replay_gave_up_when_the_database_was_lost_counts_once(app, database, ada, eve, receiver, monkeypatch):
    monkeypatch.setattr(resending, "MOST_ATTEMPTS", 1)
    monkeypatch.setattr("app.webhooks.delivering.LOOK_EVERY_SECONDS", 0.05)
    webhook = a_webhook(eve, receiver.script("/moody", "204", "500"), **UPDATES)
    note(ada, a_demand(ada)["ref"])
    with delivering(app):
        receiver.wait_for(1)
    eve.post(f"{API}/webhooks/{webhook['id']}/replay", json={"from_seq": 1})

    monkeypatch.setattr(tallying, "add", losing_it(on={1}, otherwise=tallying.add))
    with delivering(app):
        wait_until(lambda: rows(database, Undelivered))

    with database.read() as session:
        assert Tallies(session).undelivered(Reason.EXPIRED) == 1
