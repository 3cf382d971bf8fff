"""Keys and passwords: what is shown once, and what is kept."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from argon2 import PasswordHasher

PREFIX = "dt"


@dataclass(frozen=True)
class KeyText:
    """`dt_<prefix>_<secret>`: the prefix finds the row, 160 random bits prove the right to it."""

    prefix: str
    secret: str

    @classmethod
    def new(cls) -> "KeyText":
        return cls(secrets.token_hex(5), secrets.token_hex(20))

    @classmethod
    def parse(cls, text: str) -> "KeyText | None":
        parts = text.split("_")
        if len(parts) != 3 or parts[0] != PREFIX or not text.isascii():
            return None
        return cls(parts[1], parts[2])

    def __str__(self) -> str:
        return f"{PREFIX}_{self.prefix}_{self.secret}"

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()

    def matches(self, digest: bytes) -> bool:
        return hmac.compare_digest(self.digest, digest)


def hash_password(password: str) -> str:
    """Argon2id with the library's parameters (RFC 9106, low-memory profile)."""
    return PasswordHasher().hash(password)
