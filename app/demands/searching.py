"""What `q` means: every word of it begins a word of the demand, in any order; marks on letters make no difference."""

import re
import unicodedata
from typing import cast

from sqlalchemy import ColumnElement, false, text
from sqlmodel import Session

# As indexed: without marks, and with spaces for the signs that PostgreSQL's parser would keep inside a word, such as
# those of A/RES/77/182 (a path to it) or of 2022-12-12 (two negative numbers).
DOCUMENT = r"""to_tsvector('simple', translate(normalize(regexp_replace(normalize(
    demand.ref || ' ' || demand.title || ' ' || demand.asks, NFD), '[\u0300-\u036f]', '', 'g'), NFC),
    '-+/.@_~<>&\:', '           '))"""
MARKS = re.compile("[\u0300-\u036f]")


def mentions(session: Session, q: str) -> ColumnElement[bool]:
    """A condition on demands."""
    if session.get_bind().dialect.name == "postgresql":
        plain = MARKS.sub("", unicodedata.normalize("NFD", q))
        found, pattern = f"{DOCUMENT} @@ to_tsquery('simple', :q)", " & ".join(f"{word}:*" for word in _words(plain))
    else:
        found = "demand.id IN (SELECT rowid FROM demand_search WHERE demand_search MATCH :q)"
        pattern = " ".join(f'"{word}"*' for word in _words(q))
    return cast(ColumnElement[bool], text(found).bindparams(q=pattern)) if pattern else false()


def forget(session: Session) -> None:
    """Drop what is in no text any more; SQLite's index keeps it, marked as gone, until it is merged into one piece."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("INSERT INTO demand_search (demand_search) VALUES ('optimize')"))


def _words(q: str) -> list[str]:
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", q))
