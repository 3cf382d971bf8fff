"""Readers who follow by e-mail, as far as they see it: a form, mails, and the links in them."""

import re
from email.message import EmailMessage
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.follows import gathering
from app.worker import WRITERS
from tests.factories import API
from tests.mail.mail_server import MailServer, text_of
from tests.mail.posts import a_postman

READER = "reader@example.org"


def ask(client: TestClient, **values: Any) -> Any:
    new = {"email": READER, "pace": "at_once", **values}
    return client.post(f"{API}/follows", json=new)


def follow(app: FastAPI, client: TestClient, mail_server: MailServer, **values: Any) -> None:
    """Asked for and confirmed; the mailbox is empty afterwards."""
    answer = ask(client, **values)
    assert answer.status_code == 202, answer.text
    post(app, mail_server)
    [mail] = mail_server.mails
    assert client.post(link_in(mail, "confirm")).status_code == 200
    mail_server.mails.clear()


def link_in(mail: EmailMessage, purpose: str) -> str:
    """The path of the link in the mail."""
    found = re.search(rf"/follow/{purpose}/\S+", text_of(mail))
    assert found, text_of(mail)
    return found[0]


def post(app: FastAPI, mail_server: MailServer, **settings: Any) -> list[EmailMessage]:
    """What the worker does at every turn; gives all mails in the mailbox."""
    gathering.gather(app.state.database, app.state.vault)
    a_postman(app, mail_server.url, WRITERS, **settings).post()
    return mail_server.mails


def subjects(mail_server: MailServer) -> list[str]:
    return [str(mail["Subject"]) for mail in mail_server.mails]
