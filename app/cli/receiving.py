"""A small receiver of webhooks that says of each whether it was signed right (Standard Webhooks 1.0.0)."""

import hmac
import json
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import typer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.cli.explaining import Refused
from app.cli.printing import printable
from app.webhooks import signing

TOLERANCE_SECONDS = 5 * 60
LONGEST_BODY = 1_000_000
PUBLIC = "whpk_"


def checked_secret(secret: str | None) -> str:
    """`whsec_…`, or `whpk_…` for what is signed with a key pair; raises BadParameter for anything else."""
    if secret is None:
        raise typer.BadParameter("--port needs the webhook's --secret, to check signatures with")
    try:
        if secret.startswith(PUBLIC):
            _public_key(secret)
        else:
            signing.sign([secret], "try", 0, b"")
    except ValueError as error:
        raise typer.BadParameter(f"--secret: {error}") from None
    return secret


def receive(port: int, secret: str) -> None:
    """For ever."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(secret))
    except OSError as error:
        raise Refused(f"Cannot listen on port {port}: {error.strerror}.") from None
    with server:
        typer.echo(f"demands: Receiving on http://127.0.0.1:{server.server_port}/ (Ctrl-C stops it).", err=True)
        server.serve_forever()


def fault(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str | None:
    """What is wrong with a message, or None."""
    message_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split()
    if not message_id or not signatures:
        return "a header is missing: webhook-id, webhook-timestamp and webhook-signature are needed"
    if not (timestamp.isascii() and timestamp.isdigit()):
        return "webhook-timestamp is no Unix time"
    age = now - int(timestamp)
    if age > TOLERANCE_SECONDS:
        return f"it was signed {age:.0f} s ago: replayed, or a clock is wrong"
    if age < -TOLERANCE_SECONDS:
        return f"it was signed {-age:.0f} s ahead of the clock here: one of the two is wrong"
    if not any(_is_right(secret, signature, message_id, timestamp, body) for signature in signatures):
        return "no signature is of this secret and this body"
    return None


def _is_right(secret: str, signature: str, message_id: str, timestamp: str, body: bytes) -> bool:
    if secret.startswith(PUBLIC):
        version, _, encoded = signature.partition(",")
        try:
            _public_key(secret).verify(b64decode(encoded), f"{message_id}.{timestamp}.".encode() + body)
        except (InvalidSignature, NotBase64):
            return False
        return version == "v1a"
    try:
        expected = signing.sign([secret], message_id, int(timestamp), body)
    except ValueError:  # an id with a full stop in it
        return False
    return hmac.compare_digest(expected.encode(), signature.encode())


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(text.removeprefix(PUBLIC), validate=True))
    except NotBase64:
        raise ValueError("a public key continues in base64") from None


def _handler(secret: str) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > LONGEST_BODY:
                self._answer(413)
                return
            body = self.rfile.read(int(length))
            wrong = fault(secret, {name.lower(): value for name, value in self.headers.items()}, body, time.time())
            typer.echo(printable(_line(self.headers.get("webhook-id", "-"), body, wrong)))
            challenge = b"" if wrong else _challenge(body)
            # by a 401 it is kept and tried again: the secret may be that of another webhook, or the clock be wrong
            self._answer(401 if wrong else 200 if challenge else 204, challenge)

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Receiver


def _challenge(body: bytes) -> bytes:
    """What an endpoint answers with to prove whose it is; nothing where it is not asked to."""
    try:
        message = json.loads(body)
        return str(message["data"]["challenge"]).encode() if message["type"] == "webhook.verification" else b""
    except (ValueError, KeyError, TypeError):
        return b""


def _line(message_id: str, body: bytes, wrong: str | None) -> str:
    verdict = f"WRONG: {wrong}" if wrong else "signed right"
    try:
        message = json.loads(body)
        demand = (message["data"].get("demand") or {}).get("ref") or "-"
        told = [message["timestamp"], message["type"], demand]
    except (ValueError, KeyError, TypeError, AttributeError):
        told = ["not a message of a tracker:", repr(body[:80])]
    return "  ".join(str(part) for part in [*told, message_id, verdict])
