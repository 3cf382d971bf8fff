"""Real processes on one database that are killed, frozen and cut off while people write and partners receive."""

import itertools
import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from app.database import Database
from app.settings import Settings
from tests.cli import commands
from tests.factories import API, a_body, a_campaign, a_demand, a_kind
from tests.serving import free_port
from tests.webhooks.deliveries import a_webhook, wait_until
from tests.webhooks.receiver import Receiver

LEASE_SECONDS = 2  # so that what a killed worker had is soon taken up
WRITERS = 4
PATIENCE_SECONDS = 120
AT_WORK = "(Ctrl-C stops it).\n"  # the last word of a start, whatever is started
numbers = itertools.count(1)


@dataclass
class Process:
    """`demands serve` or `demands work`, which can be killed and started again."""

    words: Sequence[str | Path]
    environment: dict[str, str]
    folder: Path
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [commands.DEMANDS, *self.words], env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )

    def wait_until_at_work(self) -> None:
        """Whoever loses the database before says so and ends."""
        wait_until(lambda: AT_WORK in self.log.read_text(), PATIENCE_SECONDS)

    def kill(self) -> None:
        self._send(signal.SIGKILL).wait()

    def freeze(self, database: Database) -> None:
        """Not while it writes to SQLite, whose only lock it would keep from everyone until it wakes."""
        self._stand_still()
        while database.is_sqlite and not _may_be_written(database.url):
            self.wake()
            time.sleep(0.01)
            self._stand_still()

    def wake(self) -> None:
        self._send(signal.SIGCONT)

    def stop(self) -> int:
        return self._send(signal.SIGTERM).wait(timeout=30)

    def _stand_still(self) -> None:
        """Its threads go on for a moment after the signal, on a busy machine for tenths of a second."""
        process = self._send(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def _send(self, sign: signal.Signals) -> subprocess.Popen[bytes]:
        assert self._process
        self._process.send_signal(sign)
        return self._process


@contextmanager
def running(settings: Settings, *commands_to_run: Sequence[str], **more: Any) -> Iterator[list[Process]]:
    """A process for each command; whatever was done to them, they are gone after the block."""
    given = {**commands.of(settings), "webhook_allow_networks": "127.0.0.0/8", "webhook_lease_seconds": LEASE_SECONDS}
    environment = commands.environment(**{**given, **more})
    with ExitStack() as stack:
        processes = []
        for words in commands_to_run:
            log = settings.data_dir / f"storm-{next(numbers)}.log"
            process = Process(words, environment, settings.data_dir, log)
            process.start()
            stack.callback(process.kill)
            processes.append(process)
        yield processes


@dataclass
class Story:
    """Demands to write about, and webhooks that want some of what is written."""

    demands: dict[str, set[str]] = field(default_factory=dict)  # the tags of each
    wanted: dict[str, str | None] = field(default_factory=dict)  # by path: the tag that its webhook wants, or all

    def texts_for(self, path: str, recorded: Sequence[tuple[str, str]]) -> list[str]:
        tag = self.wanted[path]
        return [text for ref, text in recorded if tag is None or tag in self.demands[ref]]


def a_story(staff: TestClient, partner: TestClient, receiver: Receiver, webhooks: int = 24) -> Story:
    shared = {
        "campaign": a_campaign(staff)["slug"],
        "kind": a_kind(staff)["slug"],
        "targets": [{"body": a_body(staff)["slug"], "role": "decides"}],
    }
    story = Story()
    for tags in (["health"], ["housing"], ["health", "housing"], []):
        story.demands[a_demand(staff, tags=tags, **shared)["ref"]] = set(tags)
    for number, tag in zip(range(webhooks), itertools.cycle([None, "health", "housing"]), strict=False):
        path = f"/takes-its-time?{number}"
        filters = {"tag": [tag]} if tag else {}
        a_webhook(partner, receiver.url(path), types=["demand.update_added"], filters=filters)
        story.wanted[path] = tag
    return story


def write(url: str, key: str, story: Story, texts: Sequence[str], chance: random.Random) -> None:
    """Through the API, by several people at once, each of whom repeats a request until it is answered with success."""
    about = [(chance.choice(sorted(story.demands)), text) for text in texts]

    def write_some(share: Sequence[tuple[str, str]]) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx2.Client(headers=headers, timeout=20, trust_env=False) as client:
            for ref, text in share:
                _insist(client, f"{url}{API}/demands/{ref}/updates", {"text": text, "on": "2024-03-01"}, text)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write_some, [about[number::WRITERS] for number in range(WRITERS)]))


def calamities(
    receiver: Receiver, chance: random.Random, moments: Sequence[int], strike: Callable[[random.Random], None]
) -> None:
    """One at each of the moments, which are counted in messages received."""
    for moment in moments:
        receiver.wait_for(moment, seconds=PATIENCE_SECONDS)
        strike(chance)


def received(receiver: Receiver, path: str) -> list[str]:
    """The texts in the order in which they came for the first time."""
    bodies = [json.loads(request.body) for request in list(receiver.requests) if request.path == path]
    return list(dict.fromkeys(body["data"]["update"]["text"] for body in bodies))


def recorded(client: TestClient) -> list[tuple[str, str]]:
    """The updates in the ledger: of which demand, and their text."""
    found: list[tuple[str, str]] = []
    cursor = ""
    while True:
        query: dict[str, str | int] = {"after": cursor, "types": "demand.update_added", "limit": 200}
        page = client.get(f"{API}/events", params=query).json()
        found += [(item["demand"], item["data"]["update"]["text"]) for item in page["items"]]
        if not page["items"]:
            return found
        cursor = page["next_cursor"]


def serve_words() -> tuple[str, list[str]]:
    """A server's URL, which stays when it is started again, and its command."""
    port = free_port()
    return f"http://127.0.0.1:{port}", ["serve", "--port", str(port)]


def _may_be_written(url: str) -> bool:
    path = make_url(url).database
    assert path
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
    return True


def _insist(client: httpx2.Client, url: str, new: dict[str, str], idempotency_key: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            answer = client.post(url, json=new, headers={"Idempotency-Key": idempotency_key.replace(" ", "-")})
        except httpx2.TransportError:
            time.sleep(0.05)  # whoever should answer was killed
            continue
        if answer.status_code == 201:
            return
        assert answer.status_code >= 500, answer.text
    raise AssertionError(f"Nobody answered: {new}")
