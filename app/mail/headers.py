"""Headers as they are sent. What others have written, a title or a name, stays text: nothing in it is a header."""

from email.header import Header
from email.policy import EmailPolicy
from email.utils import quote
from typing import Any

from email_validator import validate_email

LONGEST_LINE = 76  # of encoded words (RFC 2047, section 2)
FOLD = "\r\n "


class AsGiven(EmailPolicy):
    """Takes headers for what they are and sends them so.

    The library would decode whatever in them looks like an encoded word, even one that has a line's end in it, and
    would fold a long link into such words, where nobody finds it.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Raises ValueError where a line would end that is not gone on with."""
        if {"\r", "\n"} & set(value.replace(FOLD, "")):
            raise ValueError(f"The header {name} has more than one line.")
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value

    def fold_binary(self, name: str, value: Any) -> bytes:
        return f"{name}: {value}{self.linesep}".encode()


def encoded(text: str, name: str = "") -> str:
    """In encoded words if there are letters beyond ASCII in it, or what would be read as such a word.

    Spaces are inside of the words: between two of them they do not count (RFC 2047, section 6.2).
    """
    if text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=name, maxlinelen=LONGEST_LINE).encode(linesep="\r\n")


def routed(address: str) -> str:
    """With its domain in A-labels (RFC 5890), which every mail server takes, however it was typed."""
    checked = validate_email(address, check_deliverability=False)
    return f"{checked.local_part}@{checked.ascii_domain}"


def mailbox(name: str, address: str) -> str:
    """With the name that is shown for it."""
    words = encoded(name, "From")
    return f"{words} <{address}>" if words != name else f'"{quote(name)}" <{address}>'
