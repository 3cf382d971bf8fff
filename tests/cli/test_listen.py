"""`demands listen`: events as they happen, and a receiver that says whether webhooks are signed right."""

import json
import os
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from standardwebhooks import Webhook

from app.webhooks import signing
from tests.cli import commands
from tests.databases import on_sqlite

API = "/api/v1"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type": "demand.published", "timestamp": "2026-11-22T04:00:00Z", "data": {"demand": {"ref": "NK-4"}}}'


@contextmanager
def listening(*words, **environment):
    """A `demands listen` that is running; `read()` gives its next line."""
    process = subprocess.Popen(
        [commands.DEMANDS, "listen", *words],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def post(server, path, new):
    headers = {"Authorization": f"Bearer {server.demo_key}"}
    answer = httpx2.post(f"{server.url}{API}/{path}", json=new, headers=headers, trust_env=False, timeout=20)
    assert answer.status_code == 201, answer.text
    return answer.json()


def kind(number, label=None):
    return {"slug": f"kind-{number}", "label": {"en": label or f"Kind {number}"}}


def source(number):
    return {
        "slug": f"hidden-{number}",
        "title": "Hidden",
        "kind": "news",
        "audience": "staff",
        "url": "https://a.example/",
    }


def test_it_prints_what_happens_a_line_each_and_comes_back_after_a_restart(tmp_path):
    with commands.serving("--demo", "--no-worker", data_dir=tmp_path) as server:
        head = server.get(f"{API}/ledger").json()
        cursor = f"{head['epoch'][:12]}-{head['seq']}"
        port = server.url.rpartition(":")[2]
        with listening("--url", server.url, "--after", cursor, "--type", "kind.created") as listener:
            post(server, "kinds", kind(1, "Kind 1 \x1b]0;owned\x07"))
            first = listener.stdout.readline()
            server.stop()
            assert "trying again" in listener.stderr.readline()
            with restarted(port, tmp_path) as again:
                again.said = server.said
                post(again, "sources", source(1))
                post(again, "kinds", kind(2))
                second = listener.stdout.readline()
            listener.send_signal(signal.SIGINT)
            assert listener.wait(20) == 0

    told = "Kind of demand added: Kind 1 \\u001b]0;owned\\u0007\n"  # to a terminal the characters are orders
    assert first.split("  ")[1:] == ["kind.created", "-", told]
    assert second.endswith("Kind 2\n")


def restarted(port, folder):
    return commands.serving("--port", port, "--no-worker", data_dir=folder)


def test_it_goes_on_after_a_backup_was_restored(tmp_path):
    with commands.serving("--demo", "--no-worker", data_dir=tmp_path) as server:
        port = server.url.rpartition(":")[2]
        with listening("--url", server.url, "--after", "0", "--type", "kind.created") as listener:
            post(server, "kinds", kind(1))
            while "Kind 1" not in listener.stdout.readline():
                pass
            server.stop()
            assert "trying again" in listener.stderr.readline()
            assert commands.run("new-epoch", data_dir=tmp_path).returncode == 0
            with restarted(port, tmp_path) as again:
                again.said = server.said
                while "trying again" in (reset := listener.stderr.readline()):
                    pass
                assert "trying again" in listener.stderr.readline()
                post(again, "kinds", kind(2))
                told = listener.stdout.readline()

    assert reset.startswith("demands: The database was restored from a backup; read the lists again")
    assert told.endswith("Kind 2\n")


SEPARATORS = "a\u2028b\u2029c\u0085d\u000be"  # line ends of Unicode, and none of the stream's


def test_characters_that_end_lines_elsewhere_are_part_of_what_is_told():
    event = json.dumps({"data": {"kind": {"label": {"en": SEPARATORS}}}}, ensure_ascii=False)
    blocks = [f"id: 1{end}data: {event}{end}{end}" for end in ("\n", "\r\n", "\r")] + [": a heartbeat"]

    with streaming("".join(blocks).encode()) as url, listening("--url", url, "--json") as listener:
        assert [json.loads(listener.stdout.readline()) for _ in range(3)] == [json.loads(event)] * 3


def test_what_cannot_be_read_is_told_of_and_what_comes_after_it_is_printed():
    bad = ["no JSON", "null", '{"type": "x"}', '{"type": "x", "recorded_at": 1}']
    good = {"type": "x.y", "recorded_at": "2026-11-22T04:00:00Z", "demand": None, "data": None}
    blocks = [f"data: {data}" for data in [*bad, json.dumps(good)]] + ["event: reset\ndata: []", "retry: soon"]

    with streaming("\n\n".join([*blocks, ""]).encode()) as url, listening("--url", url) as listener:
        assert listener.stdout.readline() == "2026-11-22T04:00:00Z  x.y  -  The content of this entry was erased.\n"
        told = [listener.stderr.readline() for _ in range(5)]

    assert told == [f"demands: An event cannot be read: {data}\n" for data in [*bad, "[]"]]


@contextmanager
def streaming(blocks):
    """A server that sends this as a stream, byte by byte, and then nothing; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                for byte in blocks:
                    connection.sendall(bytes([byte]))
                connection.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(20)


def test_with_a_key_it_sees_what_the_key_may_see(tmp_path):
    with commands.serving("--demo", "--no-worker", data_dir=tmp_path) as server:
        words = ("--url", server.url, "--after", "0", "--type", "demand.created", "--json")
        with listening(*words, DEMANDS_KEY=server.demo_key) as by_environment:
            assert '"type":"demand.created"' in by_environment.stdout.readline()
        with listening(*words, "--key-file", str(tmp_path / "demo.key")) as by_file:
            assert '"type":"demand.created"' in by_file.stdout.readline()
        refused = commands.run("listen", "--url", server.url, "--campaign", "no-such")
        gone = commands.run("listen", "--url", server.url, "--after", "0123456789ab-1")

    assert (refused.returncode, refused.stderr) == (1, "demands: query.campaign: there is no campaign no-such\n")
    assert gone.returncode == 1
    assert "Start again at" in gone.stderr


def test_it_can_keep_to_demands_that_are_disputed(tmp_path):
    with commands.serving("--demo", "--no-worker", data_dir=tmp_path) as server:
        demand = server.get(f"{API}/demands?disputed=false&limit=1").json()["items"][0]
        citation = {"source": server.get(f"{API}/sources?limit=1").json()["items"][0]["slug"], "stance": "contradicts"}
        words = ("--url", server.url, "--after", "0", "--demand", demand["ref"])
        post(server, f"demands/{demand['ref']}/updates", {"text": "Nobody denies it.", "on": "2024"})
        with listening(*words, "--disputed", "--json") as listener:
            post(server, f"demands/{demand['ref']}/citations", citation)
            heard = json.loads(listener.stdout.readline())
        flags = [commands.run("listen", *words, flag, "--tag", "no TAG") for flag in ("--overdue", "--no-response")]

    assert heard["type"] == "demand.cited"
    assert [refused.stderr.partition(":")[2][:11] for refused in flags] == [" query.tag."] * 2


@pytest.fixture(scope="module")
def receiver():
    with listening("--port", "0", "--secret", SECRET) as process:
        url = process.stderr.readline().partition(" on ")[2].split()[0]
        yield lambda **request: (httpx2.post(url, trust_env=False, **request).status_code, process.stdout.readline())


def signed(body=BODY, when=None, secret=SECRET):
    when = when or datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", when, body),
    }


def test_what_is_signed_right_is_said_to_be(receiver):
    assert receiver(content=BODY, headers=signed()) == (
        204,
        "2026-11-22T04:00:00Z  demand.published  NK-4  msg_1  signed right\n",
    )


def test_a_challenge_is_echoed_when_it_is_signed_right():
    body = '{"type": "webhook.verification", "timestamp": "2026-11-22T04:00:00Z", "data": {"challenge": "4711"}}'
    with listening("--port", "0", "--secret", SECRET) as process:
        url = process.stderr.readline().partition(" on ")[2].split()[0]
        right = httpx2.post(url, content=body, headers=signed(body=body), trust_env=False)
        wrong = httpx2.post(url, content=body, headers=signed(), trust_env=False)

    assert (right.status_code, right.text) == (200, "4711")
    assert (wrong.status_code, wrong.text) == (401, "")


def test_one_right_signature_of_several_is_enough(receiver):
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA v1a,BBBB {headers['webhook-signature']}"

    assert receiver(content=BODY, headers=headers)[0] == 204


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (lambda now: {}, "a header is missing"),
        (lambda now: signed(secret=signing.new_secret()), "no signature is of this secret and this body"),
        (lambda now: signed(body="{}"), "no signature is of this secret and this body"),
        (lambda now: signed(when=now - timedelta(hours=1)), "s ago: replayed, or a clock is wrong"),
        (lambda now: signed(when=now + timedelta(hours=1)), "s ahead of the clock here"),
        (lambda now: {**signed(), "webhook-timestamp": "soon"}, "no Unix time"),
        (lambda now: {**signed(), "webhook-id": "a.b"}, "no signature is of this secret and this body"),
    ],
)
def test_what_is_signed_wrong_is_refused_with_the_reason_and_may_come_again(receiver, sent, why):
    status, line = receiver(content=BODY, headers=sent(datetime.now(UTC)))

    assert status == 401, "set aside for good by a 400"
    assert "WRONG" in line
    assert why in line


def test_what_is_no_message_does_no_harm(receiver):
    assert receiver(content=b"\xff\x00", headers={})[0] == 401
    assert receiver(content="[]", headers=signed(body="[]"))[0] == 204


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e"])
def test_a_terminal_is_given_no_orders_by_what_is_received(receiver, character):
    body = json.dumps({"type": f"red{character}[31m", "timestamp": "now", "data": {}}, ensure_ascii=False)

    line = receiver(content=body.encode(), headers=signed(body=body))[1]

    assert character not in line
    assert f"red{json.dumps(character)[1:-1]}[31m" in line


def test_signatures_of_a_key_pair_are_checked_with_the_public_key():
    pair = signing.new_key_pair()
    now = int(datetime.now(UTC).timestamp())
    headers = signing.headers([pair.secret], "msg_1", now, BODY.encode())
    with listening("--port", "0", "--secret", pair.public) as process:
        url = process.stderr.readline().partition(" on ")[2].split()[0]
        right = httpx2.post(url, content=BODY, headers=headers, trust_env=False)
        wrong = httpx2.post(url, content="{}", headers=headers, trust_env=False)

    assert (right.status_code, wrong.status_code) == (204, 401)


RECEIVER = ("--port", "0", "--secret", SECRET)


@on_sqlite
@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--secret", SECRET], "--secret"),
        ([*RECEIVER, "--campaign", "nagorno-karabakh"], "--campaign"),
        ([*RECEIVER, "--no-response"], "--no-response"),
        ([*RECEIVER, "--json"], "--json"),
        ([*RECEIVER, "--key-file", "key"], "--key-file"),
        ([*RECEIVER, "--after", "0"], "--after"),
        ([*RECEIVER, "--url", "http://127.0.0.1:1"], "--url"),
    ],
)
def test_an_option_that_would_do_nothing_is_wrong_usage(demands, words, option):
    refused = demands("listen", *words)

    assert refused.exit_code == 2
    assert f"{option}: this does nothing" in refused.stderr


def test_what_the_environment_says_need_not_be_of_use():
    with listening("--port", "0", "--secret", SECRET, DEMANDS_BASE_URL="http://127.0.0.1:1") as receiver:
        assert "Receiving" in receiver.stderr.readline()
    with listening("--url", "http://127.0.0.1:1", DEMANDS_WEBHOOK_SECRET=SECRET) as listener:
        assert "trying again" in listener.stderr.readline()


@on_sqlite
@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "localhost:8000", "http://", "http://[", ""])
def test_an_address_where_no_tracker_can_be_is_wrong_usage(demands, url):
    refused = demands("listen", "--url", url)

    assert refused.exit_code == 2
    assert "Invalid value for --url: " in refused.stderr


@pytest.mark.parametrize("words", [["--port", "0"], ["--port", "0", "--secret", "whsec_short"], ["--port", "70000"]])
def test_a_receiver_without_a_good_secret_is_wrong_usage(words):
    assert commands.run("listen", *words).returncode == 2
