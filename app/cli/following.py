"""Following the live stream of a tracker from elsewhere, and coming back where the connection breaks."""

import codecs
import io
import json
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.retry_seconds = RETRY_SECONDS


def follow(url: str, key: str | None, words: Mapping[str, Sequence[str]], as_json: bool) -> None:
    """For ever; raises Refused where coming back would not help."""
    place = Place()
    headers = {"Accept": "text/event-stream", **({"Authorization": f"Bearer {key}"} if key else {})}
    address = f"{url.rstrip('/')}/api/v1/events/stream"
    with httpx.Client(timeout=SILENT_TOO_LONG, headers=headers) as client:
        while True:
            try:
                _print_events(client, address, words, as_json, place)
                why = "The stream has ended"
            except httpx.TransportError as error:
                why = f"{address} does not answer ({str(error) or type(error).__name__})"
            except httpx.InvalidURL as error:
                raise Refused(f"{url} is no URL: {error}.") from None
            wait = place.retry_seconds * random.uniform(0.8, 1.2)  # noqa: S311  # so that not all come back at once
            typer.echo(f"demands: {why}; trying again in {wait:.0f} s.", err=True)
            time.sleep(wait)


def _print_events(
    client: httpx.Client, address: str, words: Mapping[str, Sequence[str]], as_json: bool, place: Place
) -> None:
    """Until the stream ends."""
    back_from = {} if place.cursor is None else {"Last-Event-ID": place.cursor}  # goes before `after`
    with client.stream("GET", address, params=words, headers=back_from) as answer:
        if 400 <= answer.status_code < 500:
            raise Refused(_why(answer))
        if answer.status_code != 200:
            raise httpx.RemoteProtocolError(f"status {answer.status_code}")
        for block in _blocks(_lines(answer.iter_bytes())):
            if block.get("retry", "").isdecimal():
                place.retry_seconds = int(block["retry"]) / 1000
            if "data" in block:
                _print(block, as_json)
            place.cursor = block.get("id", place.cursor)  # not before it was printed


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Ended by CR, LF or CRLF alone (HTML standard, section 9.2.5): other line ends of Unicode stand within lines."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from lines


def _blocks(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Fields by name, block by block (HTML standard, section 9.2.6); our data never has more than one line."""
    block: dict[str, str] = {}
    for line in lines:
        if not line:
            yield block
            block = {}
            continue
        name, _, value = line.partition(":")
        block[name] = value.removeprefix(" ")


def _print(block: Mapping[str, str], as_json: bool) -> None:
    """What cannot be read is told of, and ends nothing."""
    data = block["data"]
    try:
        if block.get("event") == "reset":
            typer.echo(printable(f"demands: {json.loads(data)['detail']}"), err=True)
        else:
            typer.echo(printable(data if as_json else _line(json.loads(data))))
    except (ValueError, LookupError, TypeError, AttributeError):
        typer.echo(printable(f"demands: An event cannot be read: {data[:200]}"), err=True)


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
