"""The way to the mail server, and what its answers mean."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from app.settings import Settings

TIMEOUT_SECONDS = 20  # of each step of the conversation
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


class Unusable(Exception):
    """The server cannot be reached, or does not want us: nothing can be sent for now."""


class Lost(Unusable):
    """The connection broke, or there was no answer: it may be that the server does not bear the mail at hand."""


class Refused(Exception):
    """The server does not want this mail; `for_good` says that another attempt would be refused as well."""

    def __init__(self, reason: str, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


@contextlib.contextmanager
def connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    """Signed in where the URL says as whom. Raises Unusable, here and for what becomes of the connection later."""
    with _troubles_told(), _greeted(settings) as server:
        yield server


def send(server: smtplib.SMTP, message: EmailMessage) -> None:
    """To its one recipient; returns when the server has taken charge of it.

    Raises Refused with the server's code, and without its words, which may name the address.
    """
    sender, recipient = parseaddr(message["From"])[1], str(message["To"])
    options = () if f"{sender}{recipient}".isascii() else ("SMTPUTF8", "BODY=8BITMIME")
    try:
        server.sendmail(sender, recipient, message.as_bytes(), options)
    except smtplib.SMTPRecipientsRefused as error:
        code = max(code for code, _ in error.recipients.values())
        raise Refused(f"The recipient was refused with {code}.", for_good=code >= 500) from None
    except smtplib.SMTPDataError as error:
        raise Refused(f"The mail was refused with {error.smtp_code}.", for_good=error.smtp_code >= 500) from None
    except smtplib.SMTPNotSupportedError:
        raise Refused("The mail server takes no addresses beyond ASCII.", for_good=True) from None


@contextlib.contextmanager
def _greeted(settings: Settings) -> Iterator[smtplib.SMTP]:
    assert settings.smtp_url
    url = urlsplit(settings.smtp_url.get_secret_value())
    tls = ssl.create_default_context()
    host, port = url.hostname or "", url.port or PORTS[url.scheme]
    with (
        smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=tls)
        if url.scheme == "smtps"
        else smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS) as server
    ):
        if url.scheme == "smtp+starttls":
            server.starttls(context=tls)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.ehlo_or_helo_if_needed()
        yield server


@contextlib.contextmanager
def _troubles_told() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise Unusable(f"The mail server refuses the user or the password ({error.smtp_code}).") from None
    except smtplib.SMTPSenderRefused as error:
        raise Unusable(f"The mail server refuses the sender ({error.smtp_code}).") from None
    except smtplib.SMTPResponseException as error:
        raise Unusable(f"The mail server does not serve us ({error.smtp_code}).") from None
    except smtplib.SMTPServerDisconnected:
        raise Lost("The mail server closed the connection.") from None
    except smtplib.SMTPNotSupportedError as error:
        raise Unusable(f"The mail server is not fit for this: {error}") from None
    except ssl.SSLCertVerificationError as error:
        raise Unusable(f"The mail server's certificate does not hold: {error.verify_message}.") from None
    except (smtplib.SMTPException, OSError) as error:
        raise Lost(f"The mail server cannot be reached ({type(error).__name__}).") from None
