"""Mails put into the outbox and sent to a real server."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr
from sqlmodel import select

from app.database import Database
from app.mail import outbox
from app.mail.letters import Letter, Passage
from app.mail.models import Mail
from app.mail.posting import Postman, Writer

READER = "reader@example.org"


def write_a_note(session: Any, vault: Any, mail: outbox.Claimed) -> Letter | None:
    """What the tests' mails say: their number, unless they have none."""
    if "number" not in mail.data:
        return None
    return Letter(READER, f"Note {mail.data['number']}", [Passage(f"This is note {mail.data['number']}.")])


NOTES: Mapping[str, Writer] = {"note": write_a_note}


def a_postman(app: FastAPI, url: str, writers: Mapping[str, Writer] = NOTES, **settings: Any) -> Postman:
    given = app.state.settings.model_copy(update={"smtp_url": SecretStr(url), **settings})
    return Postman(app.state.database, app.state.vault, given, writers)


def put(database: Database, *numbers: int) -> None:
    with database.write() as session:
        for number in numbers:
            outbox.put(session, "note", f"note:{number}", number=number)


def mails(database: Database) -> list[Mail]:
    with database.read() as session:
        return list(session.exec(select(Mail).order_by(Mail.id)).all())  # type: ignore[arg-type]
