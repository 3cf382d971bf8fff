"""What is done to the follows of one address at the same moment: nobody waits for somebody who waits for them."""

import time as real_time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.follows import gathering
from app.follows.links import Purpose, link
from app.follows.models import Follow
from app.mail.models import Mail, MailState
from tests.databases import on_postgresql
from tests.factories import a_demand
from tests.follows.followers import ask, follow, link_in, post
from tests.webhooks.deliveries import note

pytestmark = on_postgresql  # SQLite has one writer anyway


def while_mails_are_held(database, *calls):
    """What the calls give: begun one after the other while the mails that wait are locked, and over when they are not.

    So each stands where it needs a mail, or where it waits for another.
    """
    with ThreadPoolExecutor(len(calls)) as pool:
        with database.write() as session:
            held = session.scalars(select(Mail).where(col(Mail.state) == MailState.WAITING).with_for_update()).all()
            assert held
            begun = []
            for number, call in enumerate(calls, start=1):
                begun.append(pool.submit(call))
                wait_until_waiting(database, number)
        return [each.result(timeout=10) for each in begun]


def wait_until_waiting(database, count):
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(500):
        with database.read() as session:
            if session.execute(waiting).scalar_one() == count:
                return
        real_time.sleep(0.01)
    raise AssertionError(f"there were never {count} that wait")


def ways_to_end(app, database):
    with database.read() as session:
        follows = session.scalars(select(Follow).order_by(col(Follow.created_at))).all()
    return [link(app.state.vault, "", Purpose.END, each.id) for each in follows]


def let_a_mail_wait(app, ada, time, ref):
    """For each that follows the demand."""
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)
    gathering.gather(app.state.database, app.state.vault)


def left(database):
    with database.read() as session:
        return len(session.scalars(select(Follow)).all())


def test_one_is_ended_while_another_that_replaces_it_is_confirmed(app, database, ada, client, mail_server, time):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, filters={"demand": [ref]})
    ask(client, filters={"demand": [ref]}, pace="daily")
    confirm = link_in(post(app, mail_server)[-1], "confirm")
    end, _ = ways_to_end(app, database)
    let_a_mail_wait(app, ada, time, ref)

    answers = while_mails_are_held(database, lambda: client.post(end), lambda: client.post(confirm))

    assert [answer.status_code for answer in answers] == [200, 200]
    assert left(database) == 1


@pytest.mark.parametrize("confirms", [False, True])
def test_all_of_an_address_is_ended_twice_or_while_one_is_confirmed(
    app, database, ada, client, mail_server, time, confirms
):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, filters={"demand": [ref]})
    follow(app, client, mail_server, filters={"demand": [ref], "group": ["open"]})
    ask(client, filters={"demand": [ref]}, pace="daily")
    confirm = link_in(post(app, mail_server)[-1], "confirm")
    first, second, _ = ways_to_end(app, database)
    let_a_mail_wait(app, ada, time, ref)

    answers = while_mails_are_held(
        database,
        lambda: client.post(first, data={"all": "yes"}),
        lambda: client.post(confirm) if confirms else client.post(second, data={"all": "yes"}),
    )

    assert [answer.status_code for answer in answers] == [200, 404 if confirms else 200]
    assert left(database) == 0
