"""What came of one attempt, and what it means for the endpoint."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_SECONDS = 24 * 3600.0
BODY_LIMIT_BYTES = 8 * 1024  # more of an answer is not read
TRIED_AGAIN = {401, 403, 404, 405, 408, 425, 429}  # of 4xx: an endpoint that is being mended, or in trouble


class Failure(enum.StrEnum):
    """Why an attempt brought no complete answer, or one that sends us elsewhere.

    - `dns`: the name does not exist, or its servers do not answer
    - `resolver_down`: our own resolver does not answer; never counts against the endpoint
    - `blocked_address`: the host leads to an address to which nothing may be sent; never counts against the endpoint
    - `local`: our machine is out of sockets, memory or network; never counts against the endpoint
    - `connect`: the connection was refused, or the address cannot be reached
    - `tls`: no handshake, or a certificate that is not for this host
    - `timeout`: no complete answer in time
    - `reset`: the connection ended before the answer did
    - `protocol`: what came is not HTTP, or has a header over 8,190 bytes or more than 128 headers
    - `redirect`: the answer leads elsewhere; it is not followed
    - `request`: the URL or a header of the webhook cannot be sent
    """

    DNS = "dns"
    RESOLVER_DOWN = "resolver_down"
    BLOCKED_ADDRESS = "blocked_address"
    LOCAL = "local"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    REQUEST = "request"


class Outcome(enum.StrEnum):
    """What came of an attempt.

    - `delivered`: the endpoint took the message
    - `retry`: the endpoint is in trouble; the same message is sent again after a wait
    - `rejected`: the endpoint is well and does not want this message, which is set aside as undelivered
    - `gone`: the endpoint says that it will not come back; the webhook is disabled
    """

    DELIVERED = "delivered"
    RETRY = "retry"
    REJECTED = "rejected"
    GONE = "gone"


OURS = {Failure.RESOLVER_DOWN, Failure.BLOCKED_ADDRESS, Failure.LOCAL}  # they must never disable a webhook


@dataclass(frozen=True)
class Answer:
    """`status` may be there without a complete answer: then `error` says what cut it short."""

    status: int | None = None
    error: Failure | None = None
    detail: str = ""  # one sentence for the partner
    duration_ms: int = 0
    remote_address: str | None = None
    request_headers: Mapping[str, str] = field(default_factory=dict)  # without secrets
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: bytes = b""  # as it came, not decompressed, at most the first 8 KiB
    retry_after_seconds: float | None = None


def counts_against_endpoint(error: str | None) -> bool:
    """False where the fault is ours."""
    return error not in OURS


def outcome_of(answer: Answer) -> Outcome:
    """A 2xx or 410 counts only when the answer is complete: until then the receiver may still fail."""
    if answer.error is not None or answer.status is None:
        return Outcome.RETRY
    if 200 <= answer.status < 300:
        return Outcome.DELIVERED
    if answer.status == 410:
        return Outcome.GONE
    if answer.status in TRIED_AGAIN or not 400 <= answer.status < 500:
        return Outcome.RETRY
    return Outcome.REJECTED


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Both forms of Retry-After (RFC 9110 section 10.2.3), a day at most; None for nonsense."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:10])
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def readable(body: bytes) -> str:
    """For display and for the database: PostgreSQL refuses NUL."""
    return body.decode(errors="replace").replace("\0", "")
