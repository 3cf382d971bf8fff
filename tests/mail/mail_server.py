"""A mail server on this machine: it takes mails over real sockets, or answers as it was told to."""

import asyncio
import email
import email.policy
from collections import deque
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.serving import free_port

USER, PASSWORD = "tracker", "p/ss word"


@dataclass
class MailServer:
    """`answers` are given to the next mails, one each, when their recipient or their data comes."""

    options: dict[str, Any] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)  # the same, as they came
    answers: deque[tuple[str, str]] = field(default_factory=deque)  # ("RCPT", "550 No such user")
    takes_seconds: float = 0  # for each mail
    breaks_off: bool = False  # the connection, when the data come
    port: int = field(default_factory=free_port)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def will_answer(self, *answers: tuple[str, str]) -> None:
        self.answers.extend(answers)

    def has(self, count: int) -> bool:
        return len(self.mails) >= count

    def __enter__(self) -> Self:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **self.options)
        self._controller.start()
        self.connections = 0  # starting tries whether it listens
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: Any) -> Any:  # noqa: N802  # the library calls it so
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802  # the library calls it so
        answer = self._answer("MAIL")
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802  # the library calls it so
        envelope.rcpt_tos.append(address)
        return self._answer("RCPT")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # the library calls it so
        await asyncio.sleep(self.takes_seconds)
        if self.breaks_off:
            server.transport.abort()
        answer = self._answer("DATA")
        if answer.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.SMTP)
            assert [mail["To"]] == envelope.rcpt_tos
            self.mails.append(mail)
            self.raw.append(envelope.content)
        return answer

    def _answer(self, step: str) -> str:
        if self.answers and self.answers[0][0] == step:
            return self.answers.popleft()[1]
        return "250 OK"


def signed_in(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    """An authenticator for aiosmtpd that knows one user."""
    right = given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)


def text_of(mail: EmailMessage) -> str:
    """The plain part, as it is read."""
    return _part(mail, "plain")


def html_of(mail: EmailMessage) -> str:
    return _part(mail, "html")


def _part(mail: EmailMessage, kind: Any) -> str:
    part = mail.get_body((kind,))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")
