"""The links in mails: who has one may do one thing with one follow. They are made from its id, and stored nowhere."""

import enum
import hmac
import uuid

from app.problems import NotFound
from app.vault import Vault


class Purpose(enum.StrEnum):
    CONFIRM = "confirm"
    END = "end"


def link(vault: Vault, base_url: str, purpose: Purpose, follow_id: uuid.UUID) -> str:
    return f"{base_url}/follow/{purpose}/{follow_id.hex}.{_stamp(vault, purpose, follow_id)}"


def follow_named(vault: Vault, purpose: Purpose, token: str) -> uuid.UUID:
    """Raises NotFound for a link that was not made here for this purpose."""
    name, _, stamp = token.partition(".")
    try:
        follow_id = uuid.UUID(hex=name)
    except ValueError:
        raise _broken() from None
    if not hmac.compare_digest(stamp.encode(), _stamp(vault, purpose, follow_id).encode()):
        raise _broken()
    return follow_id


def _stamp(vault: Vault, purpose: Purpose, follow_id: uuid.UUID) -> str:
    return vault.stamp(f"follow.{purpose}", follow_id.hex)


def _broken() -> NotFound:
    return NotFound("This link is not whole; open it from the mail again, or copy all of it.")
