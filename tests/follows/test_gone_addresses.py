"""An address that nobody has any more is not written to for ever."""

import pytest
from sqlmodel import select

from app.follows.forgetting import forget_unreachable
from app.follows.models import Follow
from tests.factories import a_demand
from tests.follows.followers import READER, follow, post
from tests.webhooks.deliveries import note

UNKNOWN = ("RCPT", "550 5.1.1 No such user")


@pytest.fixture
def two(app, ada, client, mail_server):
    """What the reader follows, twice, and what somebody else does."""
    gone, other = a_demand(ada)["ref"], a_demand(ada)["ref"]
    follow(app, client, mail_server, filters={"demand": [gone]})
    follow(app, client, mail_server, filters={"demand": [gone], "group": ["open"]})
    follow(app, client, mail_server, filters={"demand": [other]}, email="other@example.org")
    return gone, other


def a_day(app, ada, mail_server, time, ref, *answers):
    """Something happens, is mailed, and is answered so; then a day passes."""
    time.forward(hours=1)
    note(ada, ref)
    post(app, mail_server)
    time.forward(minutes=2)
    mail_server.will_answer(*answers)
    post(app, mail_server)
    forget_unreachable(app.state.database)
    time.forward(hours=23)


def followed(database):
    with database.read() as session:
        return len(session.scalars(select(Follow)).all())


@pytest.mark.parametrize("answer", ["550 5.1.1 Sorry", "550 No such user", "550 <reader@example.org>: User Unknown"])
def test_what_it_follows_ends_when_the_server_has_not_known_it_on_three_days(
    app, database, ada, mail_server, time, two, answer
):
    gone, other = two
    left = []
    for _ in range(3):
        a_day(app, ada, mail_server, time, other)
        a_day(app, ada, mail_server, time, gone, *[("RCPT", answer)] * 2)
        a_day(app, ada, mail_server, time, other)
        left.append(followed(database))

    assert left == [3, 3, 1]
    assert {str(mail["To"]) for mail in mail_server.mails} == {"other@example.org"}


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.7.1 We do not like your network, which is unknown",
        "550 relay not permitted",
        "550 rejected: listed by bl.example",
        "552 5.2.2 Mailbox full",
        "450 Later",
    ],
)
def test_it_stays_where_the_server_says_no_such_thing(app, database, ada, mail_server, time, two, answer):
    gone, other = two
    for _ in range(4):
        a_day(app, ada, mail_server, time, gone, *[("RCPT", answer)] * 2)
        mail_server.answers.clear()
        a_day(app, ada, mail_server, time, other)

    assert followed(database) == 3


def test_it_stays_where_the_server_knows_nobody_else_either(app, database, ada, mail_server, time, two):
    for _ in range(4):
        a_day(app, ada, mail_server, time, two[0], UNKNOWN, UNKNOWN)

    assert followed(database) == 3


def test_it_stays_where_it_was_there_again_in_between(app, database, ada, mail_server, time, two):
    gone, other = two
    for _ in range(3):
        a_day(app, ada, mail_server, time, gone, UNKNOWN, UNKNOWN)
        a_day(app, ada, mail_server, time, other)
        a_day(app, ada, mail_server, time, gone)

    assert followed(database) == 3
    assert READER in {str(mail["To"]) for mail in mail_server.mails}
