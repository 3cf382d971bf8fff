"""`demands doctor` on mail: whether it can be sent, and what became of it."""

import pytest
from pydantic import SecretStr

from app.cli.examining import Level, examine
from tests.databases import on_sqlite
from tests.mail.posts import a_postman, put


def findings(settings, about, **values):
    return [found for found in examine(settings.model_copy(update=values)) if found.about == about]


@on_sqlite
@pytest.mark.parametrize(
    ("values", "level", "what"),
    [
        ({"smtp_url": None, "mail_from": None}, Level.OK, "none is sent"),
        ({"smtp_url": None}, Level.WARN, "only one of its two settings is set"),
        ({"smtp_url": SecretStr("smtp://127.0.0.1:1")}, Level.FAIL, "cannot be reached"),
    ],
)
def test_it_says_whether_mail_can_be_sent(settings, values, level, what):
    [found] = findings(settings, "mail", **values)

    assert found.level is level
    assert what in found.what
    assert "DEMANDS_SMTP_URL" in found.mend


@on_sqlite
def test_it_greets_the_server_and_sends_nothing(settings, mail_server):
    [found] = findings(settings, "mail", smtp_url=SecretStr(mail_server.url))

    assert found.level is Level.OK
    assert "follow@tracker.example" in found.what
    assert (mail_server.connections, mail_server.mails) == (1, [])


def test_it_tells_of_mail_that_waits_too_long_or_was_given_up(app, settings, database, mail_server, time):
    put(database, 1, 2)
    mail_server.will_answer(("RCPT", "550 No such user"), ("RCPT", "450 Later"))
    a_postman(app, mail_server.url).post()
    at_first = findings(settings, "outbox")
    time.forward(minutes=12)

    assert [found.what for found in at_first] == ["1 mails of the last 30 days were given up"]
    assert [found.what for found in findings(settings, "outbox")][1:] == ["1 mails are overdue by ten minutes"]
