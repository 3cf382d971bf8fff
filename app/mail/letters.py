"""What a mail says, written once, and set twice: as plain text and as plain HTML."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime

from jinja2 import Environment, PackageLoader, select_autoescape
from pydantic import NameEmail

from app.mail.headers import AsGiven, encoded, mailbox, routed

LONGEST_SUBJECT = 150

templates = Environment(
    loader=PackageLoader("app.mail"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Passage:
    """A paragraph or a list, with a link below it or a heading above it where there is one."""

    text: str = ""
    link: str = ""
    label: str = ""  # of the link, where it can be hidden behind words
    heading: str = ""
    items: Sequence[str] = ()


@dataclass(frozen=True)
class Letter:
    to: str
    subject: str
    passages: list[Passage]
    closing: list[Passage] = field(default_factory=list)  # why it came, and how to have no more
    headers: Mapping[str, str] = field(default_factory=dict)


def write(letter: Letter, sender: NameEmail, mail_id: uuid.UUID, dated: datetime.datetime) -> EmailMessage:
    """The same Message-ID and date at every attempt."""
    message = EmailMessage(policy=AsGiven(linesep="\r\n"))
    message["From"] = mailbox(sender.name, routed(sender.email))
    message["To"] = routed(letter.to)
    message["Subject"] = encoded(_subject(letter.subject), "Subject")
    message["Date"] = format_datetime(dated)
    message["Message-ID"] = message_id(mail_id.hex, sender)
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's absence is announced to it (RFC 3834)
    for name, value in letter.headers.items():
        message[name] = encoded(value, name)
    message.set_content(templates.get_template("letter.txt").render(letter=letter))
    message.add_alternative(templates.get_template("letter.html").render(letter=letter), subtype="html")
    return message


def message_id(name: str, sender: NameEmail) -> str:
    return f"<{name}@{routed(sender.email).rpartition('@')[2]}>"


def _subject(text: str) -> str:
    """On one line, whatever a title has in it."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1].rstrip()}…"
