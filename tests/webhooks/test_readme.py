"""What the README tells partners: the routes, and a receiver that works when it is pasted."""

import io
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from functools import partial

import httpx2
import pytest

from app.accounts.actor import system
from app.ledger.restoring import begin_epoch
from app.webhooks.answers import TRIED_AGAIN, Failure, Outcome
from app.webhooks.models import Reason, ReplayState, State
from tests.cli import commands
from tests.databases import on_sqlite
from tests.doors import DOORS
from tests.factories import API, a_demand, made
from tests.readme import README, poller, receiver
from tests.webhooks.deliveries import a_webhook, delivering, note, wait_until
from tests.webhooks.receiver import free_port

UNDER = f"{API}/webhooks/{{webhook_id}}"


LANGUAGES = pytest.mark.parametrize(
    "language",
    [
        "python",
        pytest.param("js", marks=pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")),
    ],
)


@contextmanager
def receiving(folder, language, port, secret):
    """The README's receiver, as a process; gives the file that it prints to."""
    program, printed = folder / ("receiver.py" if language == "python" else "receiver.mjs"), folder / "printed.txt"
    program.write_text(receiver(language))
    interpreter = sys.executable if language == "python" else "node"
    with printed.open("w") as output:
        environment = {**os.environ, "SECRET": secret, "PORT": str(port)}
        process = subprocess.Popen(
            [interpreter, str(program)], env=environment, stdout=output, stderr=subprocess.DEVNULL
        )
    try:
        wait_until(lambda: listens(port))
        yield printed
    finally:
        process.terminate()
        process.wait(20)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@on_sqlite
@LANGUAGES
def test_the_receiver_proves_itself_and_takes_each_event_once(app, ada, eve, tmp_path, language):
    ref, port = a_demand(ada)["ref"], free_port()
    webhook = a_webhook(eve, f"http://127.0.0.1:{port}/", types=["demand.update_added"], verify=True)
    path = f"webhooks/{webhook['id']}"

    with receiving(tmp_path, language, port, webhook["secret"]) as printed:
        verified = eve.post(f"{API}/{path}/verification").json()["verified"]
        with delivering(app):
            note(ada, ref, "Talks went on.")
        made(eve, f"{path}/replay", {"from_seq": 1})
        with delivering(app):
            note(ada, ref, "Talks ended.")
    attempts = eve.get(f"{API}/{path}/attempts").json()["items"]

    assert verified is True
    assert [attempt["status"] for attempt in attempts] == [204] * 3
    assert len({attempt["event"] for attempt in attempts}) == 2
    lines = printed.read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["demand.update_added"] * 2
    assert ["Talks went on." in line for line in lines] == [True, False]


@on_sqlite
@LANGUAGES
def test_the_receiver_refuses_what_is_not_signed_with_its_secret(app, ada, eve, tmp_path, language):
    ref, port = a_demand(ada)["ref"], free_port()
    webhook = a_webhook(eve, f"http://127.0.0.1:{port}/", types=["demand.update_added"])
    other = a_webhook(eve, f"http://127.0.0.1:{port}/", types=["demand.cited"])

    with receiving(tmp_path, language, port, other["secret"]) as printed, delivering(app):
        note(ada, ref)
        wait_until(lambda: eve.get(f"{API}/webhooks/{webhook['id']}/attempts").json()["items"])
    [attempt] = eve.get(f"{API}/webhooks/{webhook['id']}/attempts").json()["items"]

    assert (attempt["status"], attempt["outcome"]) == (401, "retry")
    assert printed.read_text() == ""


@on_sqlite
def test_the_poller_begins_now_and_fetches_each_event_once(ada, eve, tmp_path, monkeypatch, capsys):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, "http://127.0.0.1:9999/", types=["demand.update_added"], paused=True)
    note(ada, ref, "before")
    meanwhile = iter(["Talks went on.", "Talks ended.", None])

    def ask(request, timeout):
        return io.BytesIO(eve.get(request.full_url.removeprefix("http://test")).content)

    def rest(seconds):
        text = next(meanwhile)
        if text is None:
            raise StopAsking
        note(ada, ref, text)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", ask)
    monkeypatch.setattr(time, "sleep", rest)
    monkeypatch.setenv("HOOK", f"http://test{API}/webhooks/{webhook['id']}")
    monkeypatch.setenv("KEY", "dt_key")
    with pytest.raises(StopAsking):
        exec(poller(), {})  # noqa: S102  # what the README says

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["demand.update_added"] * 2
    assert ["Talks went on." in line for line in lines] == [True, False]


class StopAsking(Exception):
    pass


@contextmanager
def running_poller(folder, url, key, webhook):
    """The README's poller, as a process that does not wait for a minute; gives the lines that it prints."""
    (folder / "poller.py").write_text(poller().replace("sleep(60)", "sleep(0.1)"))
    environment = {"HOOK": f"{url}{API}/webhooks/{webhook['id']}", "KEY": key, "no_proxy": "*"}
    with subprocess.Popen(
        [sys.executable, "poller.py"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        too_long = threading.Timer(60, process.kill)  # then its lines come to an end
        too_long.start()
        try:
            yield process.stdout
        finally:
            too_long.cancel()
            process.kill()


@on_sqlite
def test_the_poller_loses_nothing_when_the_server_or_itself_is_gone_for_a_while(app, settings, ada, eve, tmp_path):
    ref = a_demand(ada)["ref"]
    webhook = a_webhook(eve, "http://127.0.0.1:9999/", types=["demand.update_added"], paused=True)
    key, port, kept = eve.headers["Authorization"].removeprefix("Bearer "), str(free_port()), tmp_path / "cursor.txt"
    serving = partial(commands.serving, "--port", port, "--no-worker", **commands.of(settings))
    polling = partial(running_poller, tmp_path, f"http://127.0.0.1:{port}", key, webhook)

    def is_up_to_date():
        return kept.exists() and kept.read_text() == eve.get(f"{API}/events?after=now").json()["next_cursor"]

    with serving(), polling() as lines:
        wait_until(is_up_to_date)
        note(ada, ref, "Talks began.")
        told = [next(lines)]
        wait_until(is_up_to_date)
    note(ada, ref, "Talks went on.")
    with polling() as lines:
        alone = next(lines)
        with serving():
            told.append(next(line for line in lines if "trying again" not in line))
            wait_until(is_up_to_date)
            with app.state.database.write() as session:
                begin_epoch(session, system("tests"))
            restored = next(lines)
            wait_until(is_up_to_date)
            note(ada, ref, "Talks ended.")
            told.append(next(lines))

    assert alone.endswith("Connection refused>; trying again\n")
    assert restored.startswith("The database was restored from a backup since this cursor was given")
    assert [line.split()[1] for line in told] == ["demand.update_added"] * 3
    assert [text in line for text, line in zip(("began", "went on", "ended"), told, strict=True)] == [True] * 3


@LANGUAGES
def test_the_receiver_outlives_requests_that_break_off(tmp_path, language):
    port = free_port()
    reset_on_close = struct.pack("ii", 1, 0)

    with receiving(tmp_path, language, port, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port)) as caller:
                caller.sendall(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\nabc")
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_on_close)
        answer = httpx2.post(f"http://127.0.0.1:{port}/", content="{}", trust_env=False, timeout=20)

    assert answer.status_code == 401


@LANGUAGES
def test_the_receiver_takes_in_no_more_than_a_message_can_have(tmp_path, language):
    port = free_port()

    with (
        receiving(tmp_path, language, port, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        socket.create_connection(("127.0.0.1", port), timeout=20) as caller,
    ):
        caller.sendall(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 9000000000\r\n\r\n" + b"a" * 110_000)
        status_line = caller.recv(100).split(b"\r\n")[0]

    assert b" 413" in status_line


def test_every_route_of_a_webhook_stands_there():
    section = README.read_text().partition("## Webhooks\n")[2].partition("\n## ")[0]
    routes = {door.partition(UNDER)[2].partition("/{")[0] for door in DOORS if UNDER in door}

    assert {route for route in routes if f"/{{id}}{route}" not in section} == set()


def test_every_status_that_is_tried_again_stands_there():
    section = README.read_text().partition("### When a delivery fails\n")[2].partition("\n### ")[0]
    [row] = [line for line in section.splitlines() if "this event is tried again: after" in line]

    assert [status for status in range(400, 500) if f"{status}, " in row.partition(" | ")[0]] == sorted(TRIED_AGAIN)


@pytest.mark.parametrize("words", [Failure, Outcome, Reason, ReplayState, State])
@on_sqlite
def test_every_word_of_the_log_is_explained_there_and_in_the_openapi_document(app, words):
    section = README.read_text().partition("### When a delivery fails\n")[2].partition("\n### ")[0]
    explained = app.openapi()["components"]["schemas"][words.__name__]["description"]

    assert [word for word in words if f"`{word}`" not in section] == []
    assert [word for word in words if f"- `{word}`: " not in explained] == []


@on_sqlite
def test_every_route_of_a_webhook_says_what_it_is_for(app):
    paths = {path: routes for path, routes in app.openapi()["paths"].items() if path.startswith(f"{API}/webhooks")}

    silent = {
        f"{method} {path}"
        for path, routes in paths.items()
        for method, route in routes.items()
        if "description" not in route
    }

    assert paths
    assert silent == set()


def test_the_message_that_it_shows_is_one():
    section = README.read_text().partition("### What is sent\n")[2]
    message = json.loads(section.partition("```json\n")[2].partition("```")[0])

    assert list(message) == ["type", "timestamp", "data"]
    assert {"seq", "demand", "change", "links"} == set(message["data"])
