"""`demands restore` and `demands new-epoch`: the database as it was, and readers who learn that it went back."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.databases import on_postgresql, on_sqlite
from tests.factories import API, a_demand, made, read
from tests.webhooks.deliveries import a_webhook, delivering
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def file(demands, database, ada, tmp_path):
    """A backup of a database with a demand, in which more was recorded since."""
    ref = a_demand(ada, title="As it was")["ref"]
    copy = tmp_path / "copy.sqlite3"
    assert demands("backup", copy).exit_code == 0
    ada.patch(f"{API}/demands/{ref}", json={"title": "As it became"}, headers={"If-Match": "*"}).raise_for_status()
    return copy


def nobody_uses(database):
    """Another file takes its place: a reader of an earlier test may not have let go of the one that is there."""
    database.forget_log()
    database.dispose()
    place = Path(make_url(database.url).database or "")
    copy = shutil.copy(place, place.with_suffix(".copy"))
    for end in ("-wal", "-shm"):
        place.with_name(place.name + end).unlink(missing_ok=True)
    Path(copy).replace(place)


@on_sqlite
def test_what_was_recorded_since_is_gone_and_whoever_read_it_is_told(demands, database, client, file):
    demand = client.get(f"{API}/demands").json()["items"][0]
    cursor = client.get(f"{API}/events").json()["next_cursor"]
    before = client.get(f"{API}/ledger").json()
    nobody_uses(database)

    restored = demands("restore", "--force", file)

    after = client.get(f"{API}/ledger").json()
    late = client.get(f"{API}/events", params={"after": cursor})
    assert (restored.exit_code, restored.stdout) == (0, "")
    assert f"Restored {after['seq'] - 1} entries of the ledger" in restored.stderr
    assert (demand["title"], read(client, demand["ref"])["title"]) == ("As it became", "As it was")
    assert after["seq"] == before["seq"], "one entry is gone, and one tells so"
    assert after["epoch"] != before["epoch"]
    assert (late.status_code, late.json()["type"]) == (410, "/problems/gone")
    assert client.get(f"{API}/events", params={"after": late.json()["start_again_at"]}).status_code == 200
    assert demands("verify").exit_code == 0


@on_sqlite
def test_a_database_that_is_being_used_or_has_something_in_it_stays(demands, database, client, file):
    in_use = demands("restore", file)
    nobody_uses(database)
    not_empty = demands("restore", file)

    assert (in_use.exit_code, not_empty.exit_code) == (1, 1)
    assert "is being used; stop `demands serve` and `demands work` first" in in_use.stderr
    assert "has something in it" in not_empty.stderr
    assert client.get(f"{API}/demands").json()["items"][0]["title"] == "As it became"


@on_sqlite
def test_a_restored_database_goes_on_being_written_to(demands, database, ada, file):
    nobody_uses(database)
    demands("restore", "--force", file)
    (demand,) = ada.get(f"{API}/demands").json()["items"]

    made(ada, f"demands/{demand['ref']}/updates", {"text": "It goes on.", "on": "2024"})

    assert read(ada, demand["ref"])["version"] == demand["version"] + 1
    assert demands("verify").exit_code == 0


@on_sqlite
def test_only_a_backup_is_restored(demands, app, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir or Madam")
    empty = tmp_path / "empty.sqlite3"
    empty.touch()

    for file in (letter, empty):
        refused = demands("restore", "--force", file)
        assert (refused.exit_code, refused.stderr) == (1, f"demands: {file} is no backup of a Demand Tracker.\n")
    assert demands("restore", tmp_path / "nothing").exit_code == 2
    assert demands("verify").exit_code == 0


def test_a_new_epoch_makes_old_cursors_end_and_says_where_to_go_on(demands, ada, client):
    a_demand(ada)
    cursor = client.get(f"{API}/events").json()["next_cursor"]
    before = client.get(f"{API}/ledger").json()

    begun = demands("new-epoch")

    after = client.get(f"{API}/ledger").json()
    late = client.get(f"{API}/events", params={"after": cursor})
    assert (begun.exit_code, begun.stdout) == (0, "")
    assert begun.stderr == f"Epoch {after['epoch']} begins after entry {before['seq']}.\n"
    assert (after["seq"], after["epoch"] != before["epoch"]) == (before["seq"] + 1, True)
    assert (late.status_code, late.json()["start_again_at"]) == (410, f"{after['epoch'][:12]}-{after['seq']}")
    assert demands("verify").exit_code == 0


def test_everyone_who_follows_is_told_up_to_where_history_holds(app, demands, ada, eve, client, receiver):
    ref, other = a_demand(ada)["ref"], a_demand(ada)["ref"]
    a_webhook(eve, receiver.url("/200"))
    a_webhook(eve, receiver.url("/204"), types=["demand.cited"], filters={"demand": [other], "disputed": True})
    seq = client.get(f"{API}/ledger").json()["seq"]

    demands("new-epoch")
    with delivering(app):
        receiver.wait_for(2)

    epoch = client.get(f"{API}/ledger").json()["epoch"]
    messages = [json.loads(request.body) for request in receiver.requests]
    feed = client.get(f"{API}/events", params={"types": "demand.cited", "demand": ref}).json()["items"]
    assert {request.path for request in receiver.requests} == {"/200", "/204"}
    assert [message["type"] for message in messages] == ["ledger.restored"] * 2
    assert [message["data"]["ledger"] for message in messages] == [{"epoch": epoch, "seq": seq}] * 2
    assert feed[-1]["data"] == {"ledger": {"epoch": epoch, "seq": seq}}
    assert f"what was told after entry {seq} is undone" in client.get(f"{API}/feed.atom").text


@on_sqlite
def test_a_backup_of_another_version_is_restored_and_says_what_to_do(demands, database, client, file):
    with closing(sqlite3.connect(file)) as backup, backup:
        backup.execute("UPDATE alembic_version SET version_num = 'older'")
    nobody_uses(database)

    restored = demands("restore", "--force", file)

    assert restored.exit_code == 0
    assert "then tell followers: `demands new-epoch`" in restored.stderr


@on_postgresql
def test_on_postgresql_it_says_what_to_use_instead(demands, tmp_path):
    copy = tmp_path / "copy"
    copy.touch()

    refused = demands("restore", copy)

    assert refused.exit_code == 1
    assert "use pg_restore, then `demands new-epoch`" in refused.stderr
