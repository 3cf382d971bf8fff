"""Looking after followers: none holds up another, what happens meanwhile is told as well, and it can be stopped."""

import datetime

import pytest
from sqlalchemy import func, update
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from app import clock
from app.follows import gathering, planning
from app.follows.models import Follow, FollowPlan
from app.ledger.reading import head
from app.worker import set_right
from tests.databases import on_postgresql
from tests.factories import a_demand
from tests.follows.followers import READER, follow, post
from tests.mail.mail_server import text_of
from tests.webhooks.deliveries import note


def alter(app, database, address, **values):
    with database.write() as session:
        stamp = app.state.vault.stamp("address", address)
        session.execute(update(Follow).where(col(Follow.address_stamp) == stamp).values(**values))


def post_later(app, mail_server, time, **by):
    gathering.gather(app.state.database, app.state.vault)
    time.forward(**by or {"seconds": 61})
    return post(app, mail_server)


def told(mail_server):
    return sorted(str(mail["To"]) for mail in mail_server.mails)


def test_somebody_who_cannot_be_looked_after_holds_up_nobody_and_is_told_later(
    app, client, ada, mail_server, time, database
):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, email="broken@example.org", filters={"demand": [ref]})
    follow(app, client, mail_server)
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    alter(app, database, "broken@example.org", filters={"demand": 7})

    time.forward(seconds=61)
    post(app, mail_server)
    meanwhile = told(mail_server)
    alter(app, database, "broken@example.org", filters={"demand": [ref]})
    post_later(app, mail_server, time, hours=1)

    assert meanwhile == [READER]
    assert told(mail_server) == ["broken@example.org", READER]


def test_who_lives_in_a_time_zone_that_this_machine_does_not_know_is_told_by_utc(
    app, client, ada, mail_server, time, database
):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, pace="daily", timezone="Europe/Berlin")
    alter(app, database, READER, timezone="Europe/Gone")
    note(ada, ref, "News.")
    alter(app, database, READER, ready_at=clock.now() + datetime.timedelta(days=9))

    set_right(database)
    [mail] = post_later(app, mail_server, time, days=1)

    assert "News." in text_of(mail)
    assert "UTC" in text_of(mail)


def test_whoever_is_told_to_stop_leaves_the_others_to_the_next(app, client, ada, mail_server, time, monkeypatch):
    monkeypatch.setattr(gathering, "_FOLLOWS_AT_ONCE", 2)
    for number in range(3):
        follow(app, client, mail_server, email=f"reader{number}@example.org", pace="daily")
    note(ada, a_demand(ada)["ref"])
    time.forward(days=1)

    gathering.gather(app.state.database, app.state.vault, iter([False, True]).__next__)
    with app.state.database.read() as session:
        left = session.exec(select(Follow).where(col(Follow.cursor_seq) < head(session).seq)).all()
    post(app, mail_server)

    assert len(left) == 1
    assert told(mail_server) == [f"reader{number}@example.org" for number in range(3)]


def test_what_happens_while_somebody_is_looked_after_is_told_as_well(app, client, ada, mail_server, time, database):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    note(ada, ref, "Before.")
    gathering.gather(database, app.state.vault)
    time.forward(seconds=61)

    with database.read() as session:
        looked = gathering.look(session, app.state.vault)
    note(ada, ref, "Meanwhile.")
    with database.write() as session:
        planning.plan(session)
    with database.write() as session:
        assert gathering.settle(session, looked)
    post_later(app, mail_server, time)

    for text in ("Before.", "Meanwhile."):
        assert [text in text_of(mail) for mail in mail_server.mails].count(True) == 1


def test_who_was_looked_after_by_two_workers_is_told_once(app, client, ada, mail_server, time, database):
    for pace in ("at_once", "daily"):
        follow(app, client, mail_server, email=f"{pace}@example.org", pace=pace)
    note(ada, a_demand(ada)["ref"])
    gathering.gather(database, app.state.vault)
    time.forward(days=1)

    with database.read() as session:
        looked = [gathering.look(session, app.state.vault) for _ in range(2)]
    settled = []
    for each in looked:
        with database.write() as session:
            settled.append(gathering.settle(session, each))
    post(app, mail_server)

    assert settled == [True, False]
    assert {address: told(mail_server).count(address) for address in told(mail_server)}["daily@example.org"] == 1


def test_a_crowd_is_woken_in_chunks_and_each_of_it_is_told(app, client, ada, mail_server, time, monkeypatch):
    monkeypatch.setattr(planning, "_FOLLOWS_AT_ONCE", 2)
    readers = [f"reader{number}@example.org" for number in range(5)]
    for reader in readers:
        follow(app, client, mail_server, email=reader)
    post_later(app, mail_server, time)  # they have been looked after once, and sleep
    note(ada, a_demand(ada)["ref"])

    post_later(app, mail_server, time)

    assert sorted(set(told(mail_server))) == readers
    with app.state.database.read() as session:
        assert session.exec(select(FollowPlan.seq)).one() == head(session).seq


def test_nobody_is_put_off_because_the_database_was_busy(app, client, ada, mail_server, time, monkeypatch):
    follow(app, client, mail_server, pace="daily")
    note(ada, a_demand(ada)["ref"])
    time.forward(days=1)

    def busy(*_):
        raise OperationalError("SELECT", {}, Exception("canceling statement due to statement timeout"))

    with monkeypatch.context() as losing:
        losing.setattr(gathering, "wanted", busy)
        with pytest.raises(OperationalError):
            gathering.gather(app.state.database, app.state.vault)

    assert len(post(app, mail_server)) == 1


@on_postgresql
def test_nobody_is_put_off_because_the_database_was_lost(app, client, ada, mail_server, time, monkeypatch):
    follow(app, client, mail_server, pace="daily")
    note(ada, a_demand(ada)["ref"])
    time.forward(days=1)

    with monkeypatch.context() as losing:
        losing.setattr(gathering, "wanted", lambda *rest: select(func.pg_terminate_backend(func.pg_backend_pid())))
        with pytest.raises(OperationalError):
            gathering.gather(app.state.database, app.state.vault)

    assert len(post(app, mail_server)) == 1
