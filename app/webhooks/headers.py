"""Headers that a webhook's endpoint asks for, such as a token: sealed at rest, and never shown again."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from app.problems import invalid
from app.vault import Vault

FRAMING = {  # they frame the message or belong to the connection
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_OURS = {"accept", "date", "user-agent"}
_OUR_FAMILIES = ("content-", "proxy-", "webhook-")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,64}", re.IGNORECASE | re.ASCII)  # a token of RFC 9110 section 5.6.2
_VALUE = re.compile(r"[!-~](?:[\t -~]*[!-~])?")  # RFC 9110 section 5.5, but for what is not ASCII
_MOST = 20
HIDDEN = "…"
SHOWN = "All that was sent; of the webhook's own headers the names only, with `…` for their values."

Value = TypeVar("Value", str, str | None)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a header's name has up to 64 letters, digits and hyphens")
    if is_reserved(name):
        raise ValueError("this header is set by the tracker or by the connection")
    return name


def _value(value: str) -> str:
    if not _VALUE.fullmatch(value):
        raise ValueError("a header's value has printable ASCII characters, with no space around them")
    return value


def _each_once(headers: dict[str, Value]) -> dict[str, Value]:
    lowered = {name.lower(): value for name, value in headers.items()}
    if len(lowered) < len(headers):
        raise ValueError("a header is there twice: capital and small letters are the same")
    return lowered


_Name = Annotated[str, AfterValidator(_name)]
_Value = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_value)]
_Few = Field(
    max_length=_MOST,
    description="Sent with each message, and never shown again.",
    examples=[{"Authorization": "Bearer 4711"}],
)
Headers = Annotated[dict[_Name, _Value], _Few, AfterValidator(_each_once)]
HeaderChanges = Annotated[dict[_Name, _Value | None], _Few, AfterValidator(_each_once)]


def is_reserved(name: str) -> bool:
    """Whether a webhook may not set it."""
    return name.lower() in FRAMING | _OURS or name.lower().startswith(_OUR_FAMILIES)


def shown(sent: Mapping[str, str]) -> dict[str, str]:
    """Of all that was sent the names, and the values of what webhooks may not set: the others are secret."""
    return {name: value if is_reserved(name) else HIDDEN for name, value in sent.items()}


def sealed(vault: Vault, present: Mapping[str, str], changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """What is kept after the changes, which are not sealed yet: null takes a header away, None takes all."""
    if changes is None:
        return {}
    new = {name: vault.seal(value.encode()).decode() for name, value in changes.items() if value is not None}
    kept = {name: value for name, value in present.items() if name not in changes}
    if len(kept) + len(new) > _MOST:
        raise invalid("body.headers", f"a webhook has {_MOST} headers at most")
    return {**kept, **new}


def opened(unseal: Callable[[bytes], bytes], present: Mapping[str, str]) -> dict[str, str]:
    """To be sent. `unseal` is the vault's `open`, or remembers it; raises LostSecret."""
    return {name: unseal(value.encode()).decode() for name, value in present.items()}
