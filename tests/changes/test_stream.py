"""The live stream: every event that is for the listener, once, in order, as it happens."""

import asyncio
import json
import threading

import pytest
from sqlalchemy import update

from app import ledger
from app.accounts.actor import ANONYMOUS, system
from app.changes import listening, stream
from app.changes.stream import Stream, StreamQuery
from app.changes.waiting import Bell
from app.fields import Audience
from app.ledger.models import Head
from tests.changes.conftest import LONGEST, Live
from tests.cli import commands
from tests.databases import on_sqlite
from tests.factories import API, a_body, a_demand, a_kind, a_source, an_organization, change

STREAM = f"{API}/events/stream"


def told(listener, count=1):
    return [json.loads(listener.next()["data"]) for _ in range(count)]


def types(listener, count=1):
    return [event["type"] for event in told(listener, count)]


def feed(client, **query):
    return client.get(f"{API}/events", params={"limit": 200, **query}).json()


def key_of(client):
    return client.headers["Authorization"].removeprefix("Bearer ")


def test_what_happens_is_told_at_once_as_the_feed_tells_it(ada, client, live, monkeypatch):
    monkeypatch.setattr(stream, "LOOK_EVERY_SECONDS", 60)  # the bell alone
    with live.listen() as listener:
        before = feed(client)["next_cursor"]

        a_kind(ada)
        block = listener.next()

    after = feed(client, after=before)
    assert listener.id == before
    assert json.loads(block["data"]) == after["items"][0]
    assert block["id"] == after["next_cursor"]
    assert "event" not in block
    assert listener.response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert listener.response.headers["cache-control"] == "no-store"


def test_what_only_some_readers_take_for_the_end_of_a_line_ends_none(ada, live):
    about = "One line.\u2028And another.\u2029And\x85more."
    with live.listen() as listener:
        a_kind(ada, about=about)

        assert json.loads(listener.next()["data"])["data"]["kind"]["about"] == about


def test_what_another_process_commits_is_told(ada, live, settings):
    elsewhere = ledger.open_database(settings)
    with live.listen() as listener:
        with elsewhere.write() as session:
            about = ledger.About(keys=["kind:x"])
            ledger.record(session, system("tests"), "kind.revised", about, audience=Audience.PUBLIC, kind={})

        assert types(listener) == ["kind.revised"]
    elsewhere.dispose()


@pytest.mark.parametrize("by", ["cursor", "after"])
def test_who_comes_back_gets_what_was_missed_and_then_what_comes(ada, client, live, by):
    a_kind(ada)
    start = feed(client)["next_cursor"]
    a_demand(ada, status="in_progress")
    missed = [event["seq"] for event in feed(client, after=start)["items"]]

    with live.listen(**{by: start}) as listener:
        assert [event["seq"] for event in told(listener, len(missed))] == missed
        a_kind(ada)
        assert types(listener) == ["kind.created"]


def test_from_the_beginning_on(ada, client, live, monkeypatch):
    monkeypatch.setattr(stream, "BACKLOG_PAGE", 3)
    a_demand(ada)
    a_demand(ada)
    everything = [event["seq"] for event in feed(client)["items"]]

    with live.listen(after="0") as listener:
        assert [event["seq"] for event in told(listener, len(everything))] == everything


def test_under_load_nothing_is_missed_or_told_twice_by_those_who_join(ada, client, live, monkeypatch):
    monkeypatch.setattr(stream, "BACKLOG_PAGE", 5)
    monkeypatch.setattr(stream, "ENTRIES_AT_ONCE", 3)
    start = feed(client)["next_cursor"]
    count = 60
    writer = threading.Thread(target=lambda: [a_kind(ada) for _ in range(count)])
    seen: dict[int, list[int]] = {}

    def listen(number):
        with live.listen(after=start) as listener:
            seen[number] = [event["seq"] for event in told(listener, count)]

    writer.start()
    listeners = [threading.Thread(target=listen, args=(number,)) for number in range(8)]
    for thread in listeners:
        thread.start()
    for thread in [writer, *listeners]:
        thread.join()

    everything = [event["seq"] for event in feed(client, after=start)["items"]]
    assert len(everything) == count
    assert seen == dict.fromkeys(range(8), everything)


def test_only_what_the_listener_may_see_is_told(ada, eve, live):
    partner = key_of(eve)
    with live.listen() as public, live.listen(key=partner) as partners, live.listen(key=key_of(ada)) as staff:
        for audience in ("staff", "partners", "public"):
            a_source(ada, slug=f"for-{audience}", audience=audience)

        slugs = [
            [event["data"]["source"]["slug"] for event in told(listener, count)]
            for listener, count in ((staff, 3), (public, 1))
        ]
        reads = eve.get(f"{API}/me").json()["audience"]
        of_partner = [event["data"]["source"]["slug"] for event in told(partners, 2 if reads == "partners" else 1)]

    assert slugs == [["for-staff", "for-partners", "for-public"], ["for-public"]]
    assert of_partner[-1] == "for-public"
    assert "for-staff" not in of_partner


def test_the_same_words_narrow_the_stream(ada, live):
    body = a_body(ada)["slug"]
    issuer = an_organization(ada)["slug"]
    wanted = a_demand(ada, targets=[{"body": body, "role": "decides"}], issuers=[issuer])["ref"]
    other = a_demand(ada)["ref"]

    with live.listen(body=body, issuer=issuer, types="demand.status_changed", group=["moving", "met"]) as listener:
        change(ada, other, "in_progress")
        change(ada, wanted, "reversed")
        change(ada, wanted, "in_progress")
        assert [(event["demand"], event["type"]) for event in told(listener)] == [(wanted, "demand.status_changed")]


@pytest.mark.parametrize(
    "query",
    [
        {"campaign": "no-such"},
        {"types": "no.such"},
        {"types": "demand.created"},
        {"status": "no-such"},
        {"after": "x"},
        {"colour": "red"},
    ],
)
def test_a_wrong_word_is_refused_before_the_stream_begins(client, query):
    answer = client.get(STREAM, params=query)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
    assert f"query.{next(iter(query))}" in answer.json()["detail"]


def test_asked_for_its_headers_alone_it_does_not_begin(client):
    answer = client.head(STREAM)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_a_cursor_of_an_older_epoch_is_refused_before_the_stream_begins(ada, client, database):
    a_kind(ada)
    old = feed(client)["next_cursor"]
    restore(database)

    answer = client.get(STREAM, params={"after": old})

    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/gone")
    assert answer.json()["start_again_at"] == feed(client)["next_cursor"]


def test_a_browser_that_comes_back_after_a_restored_backup_is_told_and_goes_on(ada, client, live, database):
    """Any status but 200 would end its EventSource for good."""
    a_kind(ada)
    old = feed(client)["next_cursor"]
    restore(database)

    with live.listen(cursor=old) as listener:
        [reset] = listener.rest()
    with live.listen(cursor=reset["id"]) as listener:
        a_kind(ada, slug="after-the-restore")
        told_then = told(listener)

    assert reset["event"] == "reset"
    assert "read the lists again" in json.loads(reset["data"])["detail"]
    assert [event["data"]["kind"]["slug"] for event in told_then] == ["after-the-restore"]


def test_a_browser_that_comes_back_to_another_tracker_is_refused(client):
    answer = client.get(STREAM, headers={"Last-Event-ID": "4711"})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
    assert answer.json()["errors"][0]["where"] == "header.last-event-id"


def test_a_restored_backup_ends_the_streams_and_says_where_to_go_on(ada, client, live, database):
    a_kind(ada)
    with live.listen() as listener:
        restore(database)
        end = listener.rest()

    assert [block["event"] for block in end] == ["reset"]
    assert end[0]["id"] == feed(client)["next_cursor"]


def restore(database):
    with database.engine.begin() as connection:
        connection.execute(update(Head).values(epoch="1" * 32))


def test_a_revoked_key_ends_its_stream_and_no_other(client_for, ada, live, monkeypatch):
    monkeypatch.setattr(stream, "KEYS_ASKED_EVERY_SECONDS", 0)
    admin, eve = client_for("admin"), client_for("partner", "eve-org")
    with live.listen(key=key_of(eve)) as ended, live.listen(key=key_of(ada)) as kept:
        revoke(admin, eve)
        blocks = ended.rest()
        a_kind(ada)

        assert "kind.created" in types(kept, 2)
    assert "this key is not good any more" in blocks[-1]["comment"]
    assert all("data" not in block for block in blocks)


def revoke(admin, client):
    prefix = key_of(client).split("_")[1]
    [key] = [key for key in admin.get(f"{API}/keys").json()["items"] if key["prefix"] == prefix]
    assert admin.delete(f"{API}/keys/{key['id']}").status_code == 204


def test_where_nothing_happens_a_heartbeat_comes_with_the_cursor(ada, client, live, monkeypatch):
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0)
    body = a_body(ada)["slug"]
    with live.listen(body=body) as listener:
        a_kind(ada)  # which this listener does not want
        until = feed(client)["next_cursor"]
        beats = [listener._block() for _ in range(3)]

    assert {beat["comment"] for beat in beats} == {"still here"}
    assert beats[-1]["id"] == until


@on_sqlite
def test_a_slow_reader_is_sent_back_to_where_it_was_and_holds_nobody_up(app, database, ada, monkeypatch):
    monkeypatch.setattr(listening, "MOST_WAITING", 4)
    slow, quick = Ear(stuck_after=3), Ear()

    async def run():
        stream = Stream(database, app.state.bell)
        tasks = [await listening_with(ear, stream) for ear in (slow, quick)]
        await until(lambda: len(list(stream.listeners)) == 2 and not stream._joining)
        for number in range(8):
            await asyncio.to_thread(a_kind, ada)
            await until(lambda number=number: quick.text.count("kind.created") == number + 1)
        slow.go_on.set()
        await asyncio.wait_for(tasks[0], 5)
        stream.close()
        await asyncio.wait_for(tasks[1], 5)

    asyncio.run(run())

    assert quick.text.count("kind.created") == 8
    last = slow.text.strip().split("\n\n")
    assert "event: reset" in last[-1]
    got = [block for block in last if "kind.created" in block]
    assert got
    assert last[-1].splitlines()[0] == got[-1].splitlines()[0], "the id of the last event that it has"


@on_sqlite
def test_nobody_listening_costs_nothing(database, app):
    ear = Ear()

    async def run():
        stream = Stream(database, Bell())
        task = await listening_with(ear, stream)
        await until(lambda: len(list(stream.listeners)) == 1 and not stream._joining)
        ear.leave.set()
        await asyncio.wait_for(task, 5)
        await until(lambda: stream._tail and stream._tail.done())
        return stream

    stream = asyncio.run(run())

    assert list(stream.listeners) == []


async def listening_with(ear, stream):
    answer = await stream.open(ANONYMOUS, None, StreamQuery(), None)
    return asyncio.create_task(answer.run(ear.receive, ear.send))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_that_is_told_to_stop_ends_its_streams_first(tmp_path, workers):
    with commands.serving("--workers", workers, "--no-worker", data_dir=tmp_path) as server:
        assert server.get("/readyz").status_code == 200
        with Live(server.url).listen() as listener:
            server.process.terminate()
            assert listener.rest()[-1]["comment"] == "the server is stopping"
        assert server.process.wait(LONGEST) == 0


@on_sqlite
def test_who_comes_while_the_server_stops_is_told_to_come_back(database):
    ear = Ear()

    async def run():
        stream = Stream(database, Bell())
        stream.close()
        await asyncio.wait_for(await listening_with(ear, stream), 5)

    asyncio.run(run())

    assert (ear.status, ear.text) == (200, ": the server is stopping\n\n")


class Ear:
    """The far end of an answer, as ASGI has it."""

    def __init__(self, stuck_after=None):
        self.status, self.text = 0, ""
        self.leave, self.go_on = asyncio.Event(), asyncio.Event()
        self._left = stuck_after

    async def receive(self):
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                await self.go_on.wait()
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()


async def until(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("That never came.")
