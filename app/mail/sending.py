"""The way to the mail server, and what its answers mean."""

import contextlib
import math
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.utils import parseaddr
from time import monotonic
from urllib.parse import SplitResult, unquote, urlsplit

from app.settings import Settings

TIMEOUT_SECONDS = 20  # in which nothing comes
DEADLINE_SECONDS = 60.0  # until we are signed in, and again for each mail and the goodbye
LAST_WORDS_SECONDS = 3.0  # for the mail under way when it is time to stop
LOOK_EVERY_SECONDS = 0.1  # whether it is
NO_SUCH_RECIPIENT = "There is no such recipient"
_UNKNOWN = re.compile(  # RFC 3463; by 5.7, or in other words, it may be us who are refused
    rb"5\.1\.(?:1|2|3|6|10)\b|(?!\d\.\d).*(?:unknown|no such|not exist|not found|invalid (?:recipient|mailbox))",
    re.IGNORECASE | re.DOTALL,
)
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


class Line:
    """The way to the server. It can be cut from another thread: whoever waits for an answer then hears of its end."""

    def __init__(self) -> None:
        self.until = monotonic() + DEADLINE_SECONDS
        self.cut_for: Unusable | None = None
        self._socket: socket.socket | None = None

    def hold(self, connecting: socket.socket) -> None:
        """A second hand on it, which stays when TLS takes the first."""
        self.let_go()
        self._socket = connecting.dup()

    def cut(self, reason: Unusable) -> None:
        self.cut_for = self.cut_for or reason
        with contextlib.suppress(OSError):  # it has ended by itself
            if self._socket:
                self._socket.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        if self._socket:
            self._socket.close()


class Server(smtplib.SMTP):
    """Greeted when it is made; the line to it is in hand from before that."""

    def __init__(self, url: SplitResult, line: Line) -> None:
        self.line = line
        self.tls = ssl.create_default_context()
        self._tls_from_the_start = url.scheme == "smtps"
        super().__init__(url.hostname or "", url.port or PORTS[url.scheme], timeout=TIMEOUT_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = self._connected(host, port, timeout)
        return self.tls.wrap_socket(connected, server_hostname=host) if self._tls_from_the_start else connected

    def _connected(self, host: str, port: int, timeout: float) -> socket.socket:
        """As `socket.create_connection` does it."""
        failure = OSError("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            connecting = socket.socket(family, kind, protocol)
            connecting.settimeout(timeout)
            self.line.hold(connecting)
            try:
                connecting.connect(address)
            except OSError as error:
                connecting.close()
                failure = error
            else:
                return connecting
        raise failure


@contextlib.contextmanager
def connected(settings: Settings, stopped: Callable[[], bool] = lambda: False) -> Iterator[Server]:
    """Signed in where the URL says as whom. Raises Unusable, here and for what becomes of the connection later.

    However long the server takes, and however little it says at a time, this ends: soon, when it is time to stop.
    """
    assert settings.smtp_url
    url, line = urlsplit(settings.smtp_url.get_secret_value()), Line()
    with _troubles_told(line), _watched(line, stopped), Server(url, line) as server:
        if url.scheme == "smtp+starttls":
            server.starttls(context=server.tls)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.ehlo_or_helo_if_needed()
        line.until = math.inf  # between two mails it is us who take the time
        try:
            yield server
        finally:
            line.until = monotonic() + DEADLINE_SECONDS


def send(server: Server, message: EmailMessage) -> None:
    """To its one recipient; returns when the server has taken charge of it.

    Raises Refused with the server's code, and without its words, which may name the address.
    """
    server.line.until = monotonic() + DEADLINE_SECONDS
    sender, recipient = parseaddr(message["From"])[1], str(message["To"])
    options = () if f"{sender}{recipient}".isascii() else ("SMTPUTF8", "BODY=8BITMIME")
    try:
        server.sendmail(sender, recipient, message.as_bytes(), options)
    except smtplib.SMTPRecipientsRefused as error:
        code, words = max(error.recipients.values())
        if code in (550, 551, 553) and _UNKNOWN.match(words):
            raise Refused(f"{NO_SUCH_RECIPIENT} ({code}).", for_good=True) from None
        raise Refused(f"The recipient was refused with {code}.", for_good=code >= 500) from None
    except smtplib.SMTPDataError as error:
        raise Refused(f"The mail was refused with {error.smtp_code}.", for_good=error.smtp_code >= 500) from None
    except smtplib.SMTPNotSupportedError:
        raise Refused("The mail server takes no addresses beyond ASCII.", for_good=True) from None
    finally:
        server.line.until = math.inf


@contextlib.contextmanager
def _watched(line: Line, stopped: Callable[[], bool]) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        stop_by = math.inf
        while not over.wait(LOOK_EVERY_SECONDS):
            if stopped():
                stop_by = min(stop_by, monotonic() + LAST_WORDS_SECONDS)
            if monotonic() > stop_by:
                line.cut(Unusable("It is time to stop."))
            elif monotonic() > line.until:
                line.cut(Lost(f"The mail server takes longer than {DEADLINE_SECONDS:g} s."))

    watching = threading.Thread(target=watch, name="mail watch", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
        line.let_go()


@contextlib.contextmanager
def _troubles_told(line: Line) -> Iterator[None]:
    try:
        with _as_ours():
            yield
    except Lost as trouble:
        raise line.cut_for or trouble from None


@contextlib.contextmanager
def _as_ours() -> Iterator[None]:
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
