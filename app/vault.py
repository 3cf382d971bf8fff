"""Secrets at rest: encrypted with the operator's key, or with one made in the data directory."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from app.settings import Settings


class LostSecret(Exception):
    """Something was encrypted with another secret key"""


class Vault:
    """Fernet (AES-128-CBC with HMAC-SHA256) under SHA-256 of the secret key, and stamps under a key of their own."""

    def __init__(self, secret_key: str) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret_key.encode()).digest()))
        self._stamping_key = hmac.digest(secret_key.encode(), b"stamps", "sha256")

    def seal(self, plain: bytes) -> bytes:
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Raises LostSecret where the secret key is not the one that sealed it."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise LostSecret("The secret key has changed since this was stored.") from None

    def stamp(self, purpose: str, text: str) -> str:
        """43 characters that nobody can make or guess who has not the secret key, the same each time (HMAC-SHA256)."""
        digest = hmac.digest(self._stamping_key, f"{purpose}\0{text}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def open_vault(settings: Settings) -> Vault:
    if settings.secret_key:
        return Vault(settings.secret_key.get_secret_value())
    return Vault(_own_key(settings))


def has_key(settings: Settings) -> bool:
    """Whether a vault can be opened without making a key for it."""
    return settings.secret_key is not None or _file(settings).exists()


def _own_key(settings: Settings) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = _file(settings)
    draft = file.with_suffix(f".{os.getpid()}")
    if not file.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, file)  # the first process to get here wins; nobody reads half a key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text().strip()


def _file(settings: Settings) -> Path:
    return settings.data_dir / "secret.key"
