"""A worker whose clock ran ahead is found out: nobody waits for its days to come."""

import pytest

from app.follows import gathering
from app.worker import set_right
from tests.factories import a_demand
from tests.follows.followers import follow, post
from tests.mail.mail_server import text_of
from tests.webhooks.deliveries import note


@pytest.fixture
def days_ahead(time):
    """Does something by a clock that is far ahead."""

    def days_ahead(work):
        time.forward(days=60)
        work()
        time.forward(days=-60)

    return days_ahead


@pytest.mark.parametrize(("pace", "days"), [("at_once", 1), ("daily", 2), ("weekly", 8)])
def test_followers_are_told_in_time_again(app, client, ada, database, mail_server, time, days_ahead, pace, days):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, pace=pace)
    note(ada, ref, "Before.")
    days_ahead(lambda: post(app, mail_server))
    mail_server.mails.clear()
    note(ada, ref, "After.")

    set_right(database)
    gathering.gather(app.state.database, app.state.vault)
    time.forward(days=days)
    post(app, mail_server)

    assert ["After." in text_of(mail) for mail in mail_server.mails].count(True) == 1


def test_a_burst_that_lies_ahead_ends(app, client, ada, database, mail_server, time, days_ahead):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    for _ in range(21):
        note(ada, ref, "Before.")
    gathering.gather(app.state.database, app.state.vault)
    days_ahead(lambda: post(app, mail_server))
    mail_server.mails.clear()
    note(ada, ref, "After.")

    gathering.gather(app.state.database, app.state.vault)
    set_right(database)
    post(app, mail_server)
    note(ada, ref, "And at once again.")
    gathering.gather(app.state.database, app.state.vault)
    time.forward(seconds=61)
    post(app, mail_server)

    assert ["After." in text_of(mail) for mail in mail_server.mails] == [True, False]
    assert "And at once again." in text_of(mail_server.mails[1])


def test_what_was_put_off_is_sent(app, client, ada, database, mail_server, time, days_ahead):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server)
    note(ada, ref, "Put off.")
    gathering.gather(app.state.database, app.state.vault)
    mail_server.will_answer(("RCPT", "451 Come back later"))
    days_ahead(lambda: post(app, mail_server))
    put_off = list(mail_server.mails)

    set_right(database)
    post(app, mail_server)

    assert put_off == []
    assert ["Put off." in text_of(mail) for mail in mail_server.mails] == [True]


@pytest.mark.parametrize("pace", ["at_once", "daily", "weekly"])
def test_who_waits_as_they_should_goes_on_waiting(app, client, ada, database, mail_server, pace):
    ref = a_demand(ada)["ref"]
    follow(app, client, mail_server, pace=pace)
    note(ada, ref)
    gathering.gather(app.state.database, app.state.vault)

    set_right(database)

    assert post(app, mail_server) == []
