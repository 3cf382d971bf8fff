"""Following the live stream of a tracker from elsewhere, and coming back where the connection breaks."""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import typer

from app.cli.explaining import Refused
from app.cli.printing import printable
from app.ledger import telling

SILENT_TOO_LONG = httpx.Timeout(20, read=45)  # three heartbeats that did not come
RETRY_SECONDS = 3.0


class Place:
    """How far the stream was followed, and when to come back."""

    def __init__(self, cursor: str | None) -> None:
        self.cursor = cursor
        self.retry_seconds = RETRY_SECONDS


def follow(url: str, key: str | None, after: str | None, words: Mapping[str, Sequence[str]], as_json: bool) -> None:
    """For ever; raises Refused where coming back would not help."""
    place = Place(after)
    headers = {"Accept": "text/event-stream", **({"Authorization": f"Bearer {key}"} if key else {})}
    address = f"{url.rstrip('/')}/api/v1/events/stream"
    with httpx.Client(timeout=SILENT_TOO_LONG, headers=headers) as client:
        while True:
            try:
                for data in _events(client, address, words, place):
                    typer.echo(printable(data if as_json else _line(json.loads(data))))
                why = "The stream has ended"
            except httpx.TransportError as error:
                why = f"{address} does not answer ({str(error) or type(error).__name__})"
            except httpx.InvalidURL as error:
                raise Refused(f"{url} is no URL: {error}.") from None
            wait = place.retry_seconds * random.uniform(0.8, 1.2)  # noqa: S311  # so that not all come back at once
            typer.echo(f"demands: {why}; trying again in {wait:.0f} s.", err=True)
            time.sleep(wait)


def _events(client: httpx.Client, address: str, words: Mapping[str, Sequence[str]], place: Place) -> Iterator[str]:
    query = dict(words)
    if place.cursor is not None:
        query["after"] = [place.cursor]
    with client.stream("GET", address, params=query) as answer:
        if 400 <= answer.status_code < 500:
            raise Refused(_why(answer))
        if answer.status_code != 200:
            raise httpx.RemoteProtocolError(f"status {answer.status_code}")
        for block in _blocks(answer.iter_lines()):
            if "retry" in block:
                place.retry_seconds = int(block["retry"]) / 1000
            if block.get("event") == "reset":
                typer.echo(printable(f"demands: {json.loads(block['data'])['detail']}"), err=True)
            elif "data" in block:
                yield block["data"]
            place.cursor = block.get("id", place.cursor)  # not before it was printed


def _blocks(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """Fields by name, block by block (HTML standard, section 9.2.6); our data never has more than one line."""
    block: dict[str, str] = {}
    for line in lines:
        if not line:
            yield block
            block = {}
            continue
        name, _, value = line.partition(":")
        block[name] = value.removeprefix(" ")


def _why(answer: httpx.Response) -> str:
    try:
        problem = json.loads(answer.read())
        more = f" Start again at {problem['start_again_at']}." if "start_again_at" in problem else ""
        return printable(f"{problem['detail']}{more}")
    except (ValueError, KeyError, TypeError):
        return f"{answer.url} answered {answer.status_code}; is that a tracker?"


def _line(event: dict[str, Any]) -> str:
    what = telling.sentence(event["type"], event["data"])
    told = [event["recorded_at"][:19] + "Z", event["type"], event["demand"] or "-", what]
    return "  ".join(" ".join(part.split()) for part in told)
