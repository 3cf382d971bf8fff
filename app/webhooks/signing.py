"""Signatures as in Standard Webhooks 1.0.0: `v1` (HMAC-SHA256) and `v1a` (ed25519).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
import secrets as random
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNED_WITH = {
    "webhook-id": "The same in every attempt: what to know a repeated message by.",
    "webhook-timestamp": "Unix time of this attempt.",
    "webhook-signature": "`v1,…` (HMAC-SHA256), with `v1a` also `v1a,…` (ed25519); several while keys rotate.",
}
_SYMMETRIC = "whsec_"
_PRIVATE = "whsk_"
_PUBLIC = "whpk_"
_SECRET_BYTES = 24  # the least that the specification allows; needs no padding in base64
_SEED_BYTES = 32


@dataclass(frozen=True)
class KeyPair:
    secret: str = field(repr=False)
    public: str


def new_secret() -> str:
    """`whsec_…`, shared with the receiver."""
    return _SYMMETRIC + _text(random.token_bytes(_SECRET_BYTES))


def new_key_pair() -> KeyPair:
    """The secret `whsk_…` (seed and public key, 64 bytes) stays here; receivers get the public `whpk_…`."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return KeyPair(_PRIVATE + _text(key.private_bytes_raw() + public), _PUBLIC + _text(public))


def public_key(secret: str) -> str:
    """The `whpk_…` that belongs to a `whsk_…`."""
    return _PUBLIC + _text(_private_key(secret).public_key().public_bytes_raw())


def headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What a message carries; `timestamp` is the Unix time of this attempt, `message_id` the same in every attempt."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secrets, message_id, timestamp, body),
    }


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """One signature per secret, in their order, separated by spaces. While secrets rotate, new and old both sign.

    Raises ValueError for a secret that is neither `whsec_…` nor `whsk_…`, or an id that would make the text ambiguous.
    """
    if not secrets or "." in message_id:
        raise ValueError("A message needs a secret, and an id without a full stop.")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(_signature(secret, signed) for secret in secrets)


def _signature(secret: str, signed: bytes) -> str:
    if secret.startswith(_PRIVATE):
        return "v1a," + _text(_private_key(secret).sign(signed))
    return "v1," + _text(hmac.digest(_bytes(secret, _SYMMETRIC), signed, "sha256"))


def _private_key(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_bytes(secret, _PRIVATE)[:_SEED_BYTES])


def _bytes(secret: str, prefix: str) -> bytes:
    try:
        decoded = b64decode(secret.removeprefix(prefix), validate=True)
    except NotBase64:
        decoded = b""
    if not secret.startswith(prefix) or len(decoded) < _SECRET_BYTES:
        raise ValueError(f"A secret begins with {prefix} and continues in base64, at least {_SECRET_BYTES} bytes.")
    return decoded


def _text(data: bytes) -> str:
    return b64encode(data).decode()
