"""Feeds written down: Atom (RFC 4287) with paging (RFC 5005), and JSON Feed 1.1 (jsonfeed.org).

The libraries that write Atom have not been released for years or bring a C parser along; it is thirty lines.
"""

import datetime
import html
import json
import re
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from app.changes.syndicating import Entry, Feed
from app.fields import utc

ATOM = "application/atom+xml"
JSON_FEED = "application/feed+json"
AUTHOR = "Demand Tracker"
LANGUAGE = "en"  # of the sentences
LONG_AGO = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # of a feed in which nothing has happened
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


@dataclass(frozen=True)
class Addresses:
    base: str
    own: str
    first: str  # of the page with the newest: what the feed as a whole is called
    next: str | None


def atom(feed: Feed, addresses: Addresses) -> bytes:
    root = Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": LANGUAGE})
    _text(root, "id", addresses.first)
    _text(root, "title", feed.title)
    _text(root, "updated", utc(max((entry.updated for entry in feed.entries), default=LONG_AGO)))
    _text(SubElement(root, "author"), "name", AUTHOR)
    SubElement(root, "link", rel="alternate", type="text/html", href=f"{addresses.base}/")
    SubElement(root, "link", rel="self", type=ATOM, href=addresses.own)
    SubElement(root, "link", rel="first", type=ATOM, href=addresses.first)
    if addresses.next:
        SubElement(root, "link", rel="next", type=ATOM, href=addresses.next)
    for entry in feed.entries:
        _add(root, entry, addresses)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def json_feed(feed: Feed, addresses: Addresses) -> bytes:
    document: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "language": LANGUAGE,
        "home_page_url": f"{addresses.base}/",
        "feed_url": addresses.own,
        "authors": [{"name": AUTHOR}],
        "items": [_item(entry, addresses) for entry in feed.entries],
    }
    if addresses.next:
        document["next_url"] = addresses.next
    return json.dumps(document, ensure_ascii=False).encode()


def _add(root: Element, entry: Entry, addresses: Addresses) -> None:
    element = SubElement(root, "entry")
    _text(element, "id", entry.id.urn)
    _text(element, "title", entry.title)
    _text(element, "updated", utc(entry.updated))
    _text(element, "published", utc(entry.published))
    _text(SubElement(element, "author"), "name", entry.author or AUTHOR)
    if entry.address:
        SubElement(element, "link", rel="alternate", href=addresses.base + entry.address)
    for category in entry.categories:
        SubElement(element, "category", term=category)
    _text(element, "content", _html(entry.text), type="html")


def _item(entry: Entry, addresses: Addresses) -> dict[str, Any]:
    place = {"url": addresses.base + entry.address} if entry.address else {}
    return {
        "id": entry.id.urn,
        **place,
        "title": entry.title,
        "content_text": entry.text,
        "date_published": utc(entry.published),
        "date_modified": utc(entry.updated),
        "authors": [{"name": entry.author or AUTHOR}],
        "tags": entry.categories,
    }


def _html(text: str) -> str:
    """A paragraph for each line: readers would make one of them all."""
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in text.splitlines() if line.strip())


def _text(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = _NOT_XML.sub("", text)
