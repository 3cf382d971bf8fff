"""The hash chain: each entry's hash covers the one before, its own columns, and a salted digest of its data."""

import hashlib
from collections.abc import Mapping
from typing import Any

import rfc8785

from app.fields import utc

GENESIS = "0" * 64


def digest(salt: str, data: str, images: str) -> str:
    """SHA-256 over the salt and the canonical texts; without the salt, erased data cannot be guessed from it."""
    return hashlib.sha256(f"{salt}\n{data}\n{images}".encode()).hexdigest()


def extend(previous: str, entry: Mapping[str, Any]) -> str:
    """SHA-256(previous hash ‖ canonical JSON of the entry with its digest in place of its data)."""
    covered = {
        "seq": entry["seq"],
        "id": str(entry["id"]),
        "type": entry["type"],
        "recorded_at": utc(entry["recorded_at"]),
        "actor": entry["actor"],
        "campaign": entry["campaign"],
        "demand": entry["demand"],
        "subject": entry["subject"],
        "audience": entry["audience"],
        "visible_to": entry["visible_to"],
        "notice": entry["notice"],
        "keys": entry["keys"],
        "data_digest": entry["data_digest"],
    }
    return hashlib.sha256(previous.encode() + rfc8785.dumps(covered)).hexdigest()
