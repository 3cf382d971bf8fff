"""Mail servers that take for ever, a little at a time, on real sockets: the conversation with them ends."""

import socket
import threading
import time as real_time
from contextlib import contextmanager, suppress

import pytest

from app.mail import sending
from app.mail.models import MailState
from tests.mail.posts import a_postman, mails, put, write_a_note


def says_nothing(line, ended):
    ended.wait()


def drips_instead_of_greeting(line, ended):
    drip(line, ended, b"220-please wait\r\n")


def drips_when_the_mail_came(line, ended):
    take_a_mail(line)
    drip(line, ended, b"250-please wait\r\n")


def drips_at_the_goodbye(line, ended):
    take_a_mail(line)
    line.recv(10_000)
    line.sendall(b"250 taken\r\n")
    drip(line, ended, b"221-please wait\r\n")


def take_a_mail(line):
    """Up to its data."""
    line.sendall(b"220 here\r\n")
    for answer in (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
        line.recv(1000)
        line.sendall(answer)


def drip(line, ended, words):
    while not ended.wait(0.02):
        line.sendall(words)


@contextmanager
def a_server(behaviour):
    """Gives its URL."""
    ended = threading.Event()

    def serve(listening):
        with suppress(OSError), listening.accept()[0] as line:
            behaviour(line, ended)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=[listening])
        serving.start()
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        serving.join(10)


@contextmanager
def a_server_that_accepts_nobody():
    """As behind a firewall that drops what it does not like."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, socket.socket() as first:
        first.connect(listening.getsockname())
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(sending, "LOOK_EVERY_SECONDS", 0.01)


@pytest.mark.parametrize("behaviour", [drips_instead_of_greeting, drips_when_the_mail_came])
def test_a_server_that_drips_is_given_up_in_time_and_the_mail_goes_by_another(
    app, database, mail_server, time, monkeypatch, behaviour
):
    put(database, 1)

    with a_server(behaviour) as url, monkeypatch.context() as hasty:
        hasty.setattr(sending, "DEADLINE_SECONDS", 0.1)
        a_postman(app, url).post()
    [waiting] = mails(database)
    time.forward(minutes=1)
    a_postman(app, mail_server.url).post()

    assert (waiting.state, waiting.error) == (MailState.WAITING, "The mail server takes longer than 0.1 s.")
    assert len(mail_server.mails) == 1


def test_a_server_that_drips_when_all_is_sent_is_left_in_time(app, database, monkeypatch):
    monkeypatch.setattr(sending, "DEADLINE_SECONDS", 0.5)
    put(database, 1)

    with a_server(drips_at_the_goodbye) as url:
        a_postman(app, url).post()

    assert [mail.state for mail in mails(database)] == [MailState.SENT]


def test_the_server_is_not_blamed_for_what_takes_long_here(app, database, mail_server, monkeypatch):
    ahead = [0.0]
    monkeypatch.setattr(sending, "monotonic", lambda: real_time.monotonic() + ahead[0])
    put(database, 1, 2)

    def write_late(*given):
        ahead[0] += 2 * sending.DEADLINE_SECONDS
        real_time.sleep(0.1)  # in which the line is looked after
        return write_a_note(*given)

    a_postman(app, mail_server.url, {"note": write_late}).post()

    assert [(mail.state, mail.attempts) for mail in mails(database)] == [(MailState.SENT, 1)] * 2


@pytest.mark.parametrize("behaviour", [says_nothing, drips_instead_of_greeting, drips_when_the_mail_came])
def test_whoever_is_to_stop_does_not_wait_for_a_server(app, database, monkeypatch, behaviour):
    monkeypatch.setattr(sending, "LAST_WORDS_SECONDS", 0.1)
    put(database, 1)

    with a_server(behaviour) as url:
        took = seconds_to_stop(a_postman(app, url))

    assert took < sending.TIMEOUT_SECONDS / 2
    assert [(mail.state, mail.attempts, mail.error) for mail in mails(database)] == [
        (MailState.WAITING, 0, "It is time to stop.")
    ]


def test_whoever_is_to_stop_does_not_wait_for_a_connection_either(app, database, monkeypatch):
    monkeypatch.setattr(sending, "LAST_WORDS_SECONDS", 0.1)
    put(database, 1)

    with a_server_that_accepts_nobody() as url:
        took = seconds_to_stop(a_postman(app, url))

    assert took < sending.TIMEOUT_SECONDS / 2


def test_the_mail_under_way_is_waited_for_a_moment(app, database, mail_server):
    put(database, 1)
    mail_server.takes_seconds = 0.3

    seconds_to_stop(a_postman(app, mail_server.url))

    assert [mail.state for mail in mails(database)] == [MailState.SENT]


def seconds_to_stop(postman):
    """From when it is told to, a moment after it began."""
    stop = threading.Event()
    posting = threading.Thread(target=postman.post, args=[stop.is_set])
    posting.start()
    real_time.sleep(0.1)
    stop.set()
    began = real_time.monotonic()
    posting.join()
    return real_time.monotonic() - began
