"""From the outbox to a real mail server: once where nothing goes wrong, at least once where something does."""

import threading
from email.utils import parsedate_to_datetime

import pytest

from app import clock
from app.mail import outbox
from app.mail.forgetting import forget_mails
from app.mail.models import MailState
from tests.databases import on_postgresql
from tests.mail.mail_server import text_of
from tests.mail.posts import READER, a_postman, mails, put


def subjects(mail_server):
    return [str(mail["Subject"]) for mail in mail_server.mails]


def states(database):
    return [mail.state for mail in mails(database)]


def test_what_was_put_in_is_sent_in_its_order_over_one_connection(app, database, mail_server):
    put(database, 1, 2, 3)

    a_postman(app, mail_server.url).post()

    assert subjects(mail_server) == ["Note 1", "Note 2", "Note 3"]
    assert [str(mail["To"]) for mail in mail_server.mails] == [READER] * 3
    assert "This is note 1." in text_of(mail_server.mails[0])
    assert mail_server.connections == 1
    assert states(database) == [MailState.SENT] * 3


def test_what_is_rolled_back_is_never_sent(app, database, mail_server):
    with pytest.raises(ZeroDivisionError), database.write() as session:
        outbox.put(session, "note", "note:1", number=1 / 0)

    a_postman(app, mail_server.url).post()

    assert mail_server.mails == []
    assert mails(database) == []


def test_what_was_sent_is_not_sent_again(app, database, mail_server):
    put(database, 1)

    for _ in range(3):
        a_postman(app, mail_server.url).post()

    assert subjects(mail_server) == ["Note 1"]


def test_a_server_that_is_away_delays_mail_and_loses_none(app, database, mail_server, time):
    put(database, 1)
    nobody_listens = "smtp://127.0.0.1:1"

    a_postman(app, nobody_listens).post()
    before = [(mail.attempts, mail.error) for mail in mails(database)]
    a_postman(app, mail_server.url).post()
    too_early = subjects(mail_server)
    time.forward(minutes=1)
    a_postman(app, mail_server.url).post()

    assert before == [(0, "The mail server cannot be reached (ConnectionRefusedError).")]
    assert too_early == []
    assert subjects(mail_server) == ["Note 1"]


@pytest.mark.parametrize("answers", [False, True])
def test_mail_comes_within_minutes_however_long_the_server_was_of_no_use(app, database, mail_server, time, answers):
    put(database, 1, 2)
    for _ in range(20):
        mail_server.will_answer(("MAIL", "451 Later"))
        a_postman(app, mail_server.url if answers else "smtp://127.0.0.1:1").post()
        time.forward(hours=1)
    mail_server.answers.clear()
    mail_server.will_answer(("RCPT", "451 Come back later"))

    for _ in range(4):
        a_postman(app, mail_server.url).post()
        time.forward(minutes=1)

    assert sorted(subjects(mail_server)) == ["Note 1", "Note 2"]


def test_a_server_that_is_of_no_use_is_left_alone_for_some_minutes(app, database, mail_server, time, monkeypatch):
    monkeypatch.setattr("app.mail.posting.monotonic", lambda: time.ahead.total_seconds())
    put(database, 1, 2)
    postman, tries = a_postman(app, mail_server.url), []
    for second in range(0, 1200, 5):
        before = mail_server.connections
        mail_server.answers.clear()
        mail_server.will_answer(("MAIL", "451 Later"))
        postman.post()
        time.forward(seconds=5)
        tries += [second // 60] if mail_server.connections > before else []
    mail_server.answers.clear()

    time.forward(minutes=5)
    postman.post()

    assert tries == [0, 1, 3, 6, 10, 15]
    assert sorted(subjects(mail_server)) == ["Note 1", "Note 2"]


def test_a_mail_that_the_server_breaks_off_at_is_tried_ever_less(app, database, mail_server, time):
    put(database, 1)
    waits = []
    for _ in range(4):
        mail_server.breaks_off = True
        a_postman(app, mail_server.url).post()
        [mail] = mails(database)
        assert mail.ready_at
        waits.append(round((mail.ready_at - clock.now()).total_seconds() / 60))
        time.forward(minutes=waits[-1])

    assert waits == [1, 5, 15, 60]


def test_a_mail_that_the_server_puts_off_comes_later_with_the_same_message_id(app, database, mail_server, time):
    """As a server does that wants to see whether a sender comes back."""
    put(database, 1, 2)
    sent = []
    mail_server.will_answer(("RCPT", "451 Come back later"))

    a_postman(app, mail_server.url).post()
    first = mails(database)[0]
    time.forward(minutes=1)
    a_postman(app, mail_server.url).post()
    sent = mail_server.mails

    assert subjects(mail_server) == ["Note 2", "Note 1"], "the others do not wait for it"
    assert first.error == "The recipient was refused with 451."
    assert sent[1]["Message-ID"] == f"<{first.id.hex}@tracker.example>"
    assert parsedate_to_datetime(sent[1]["Date"]) == first.created_at.replace(microsecond=0)


@pytest.mark.parametrize(
    "refusal", [("RCPT", "550 <reader@example.org> unknown"), ("DATA", "554 We want no such mail")]
)
def test_a_mail_that_is_refused_for_good_is_given_up_and_the_next_one_sent(app, database, mail_server, refusal):
    put(database, 1, 2)
    mail_server.will_answer(refusal)

    a_postman(app, mail_server.url).post()

    given_up, sent = mails(database)
    assert (given_up.state, sent.state) == (MailState.GIVEN_UP, MailState.SENT)
    assert given_up.error
    assert refusal[1][:3] in given_up.error
    assert "reader" not in given_up.error, "the server's words may be personal"


def test_a_mail_that_nobody_takes_is_given_up_after_three_days(app, database, mail_server, time):
    put(database, 1)
    tries = 0
    while states(database) == [MailState.WAITING]:
        mail_server.will_answer(("DATA", "452 No room"))
        a_postman(app, mail_server.url).post()
        time.forward(hours=4)
        tries += 1

    given_up = mails(database)[0]
    assert given_up.state is MailState.GIVEN_UP
    assert given_up.error == "The mail was refused with 452."
    assert 15 < tries < 25
    assert mail_server.mails == []


def test_a_connection_that_breaks_between_two_mails_delays_the_second(app, database, mail_server, time):
    put(database, 1, 2)
    mail_server.will_answer(("DATA", "250 OK"), ("DATA", "421 Going down"))

    a_postman(app, mail_server.url).post()
    time.forward(minutes=1)
    a_postman(app, mail_server.url).post()

    assert subjects(mail_server) == ["Note 1", "Note 2"]


def test_a_worker_that_died_in_between_leaves_the_mail_to_another(app, database, mail_server, time):
    put(database, 1)
    with database.write() as session:
        outbox.claim(session)

    a_postman(app, mail_server.url).post()
    while_leased = subjects(mail_server)
    time.forward(minutes=10)
    a_postman(app, mail_server.url).post()

    assert while_leased == []
    assert subjects(mail_server) == ["Note 1"]


def test_a_worker_that_wakes_up_late_changes_nothing(app, database, mail_server, time):
    put(database, 1)
    with database.write() as session:
        late = outbox.claim(session)
    assert late
    time.forward(minutes=10)
    a_postman(app, mail_server.url).post()

    with database.write() as session:
        outbox.settle_failed(session, late, "It was frozen.", for_good=True)

    assert [(mail.state, mail.error) for mail in mails(database)] == [(MailState.SENT, None)]


@on_postgresql
def test_several_workers_send_each_mail_once(app, database, mail_server):
    put(database, *range(60))
    workers = [threading.Thread(target=a_postman(app, mail_server.url).post) for _ in range(4)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert sorted(subjects(mail_server)) == sorted(f"Note {number}" for number in range(60))
    assert states(database) == [MailState.SENT] * 60


def test_what_has_nothing_to_say_any_more_goes_unsent(app, database, mail_server):
    with database.write() as session:
        outbox.put(session, "note", "note:none")

    a_postman(app, mail_server.url).post()

    assert mail_server.mails == []
    assert mails(database) == []


def test_what_cannot_be_written_holds_up_nobody(app, database, mail_server):
    with database.write() as session:
        outbox.put(session, "unheard of", "note:1")
    put(database, 2)

    a_postman(app, mail_server.url).post()

    assert subjects(mail_server) == ["Note 2"]
    assert mails(database)[0].error == "It could not be written; the log says why."


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next(app, database, mail_server):
    put(database, 1, 2, 3)

    a_postman(app, mail_server.url).post(stopped=lambda: len(mail_server.mails) == 1)
    a_postman(app, mail_server.url).post()

    assert subjects(mail_server) == ["Note 1", "Note 2", "Note 3"]


def test_without_a_mail_server_nothing_is_put_in(database, monkeypatch):
    monkeypatch.setattr(database.settings, "smtp_url", None)

    put(database, 1)

    assert mails(database) == []


def test_what_was_sent_is_forgotten_after_a_month(app, database, mail_server, time):
    put(database, 1, 2)
    a_postman(app, mail_server.url).post()
    time.forward(days=29)
    put(database, 3)
    kept = forget_mails(database)
    time.forward(days=2)

    assert kept == 0
    assert forget_mails(database) == 2
    assert states(database) == [MailState.WAITING]
