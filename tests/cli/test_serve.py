"""`demands serve`: from an empty folder to answers, and to a clean end."""

import signal
import socket

import pytest
from sqlmodel import col, func, select

from app import clock
from app.accounts.models import Key
from app.database import Database
from app.ledger import open_database
from app.settings import Settings
from tests.cli import commands
from tests.databases import new_database, on_postgresql


def test_a_demo_starts_from_nothing_and_is_there_again_after_a_stop(tmp_path):
    with commands.serving("--demo", data_dir=tmp_path) as server:
        ready = server.get("/readyz")
        demands = server.get("/api/v1/demands?include=total").json()
        me = server.get("/api/v1/me", key=server.demo_key).json()
        stopped = server.stop()

    assert ready.json() == {"status": "ready"}
    assert demands["total"] == len(demands["items"]) == 19
    assert demands["items"][0]["url"].startswith(server.url)
    assert (me["role"], me["organization"]) == ("editor", "demo")
    assert stopped == 0

    with commands.serving("--demo", data_dir=tmp_path) as again:
        assert again.demo_key == server.demo_key
        assert again.get("/api/v1/demands?include=total").json()["total"] == 19
        assert again.stop(signal.SIGINT) == 0

    assert (tmp_path / "demo.key").stat().st_mode & 0o777 == 0o600
    assert count_keys(tmp_path) == 1


def test_without_a_demo_it_is_empty_and_tells_how_to_make_the_first_admin(tmp_path):
    with commands.serving(data_dir=tmp_path) as server:
        assert "demands keys create --role admin --organization SLUG" in server.said
        assert server.get("/api/v1/demands").json()["items"] == []

        commands.run("keys", "create", "--role", "admin", "--organization", "ada-org", data_dir=tmp_path)

    with commands.serving("--no-worker", data_dir=tmp_path) as server:
        assert "admin" not in server.said


def test_an_admin_whose_key_opens_nothing_is_none(settings, demands, database):
    admin = ("--role", "admin", "--organization", "ada-org")
    demands("people", "create", "--email", "ada@example.org", "--name", "Ada", *admin)
    demands("keys", "create", *admin, "--person", "ada@example.org")
    demands("people", "disable", "ada@example.org")
    demands("keys", "create", *admin, "--label", "old", "--expires-in-days", "1")
    with database.write() as session:
        session.exec(select(Key).where(Key.label == "old")).one().expires_at = clock.now()

    with commands.serving("--no-worker", **commands.of(settings)) as server:
        assert "There is no admin yet." in server.said

    demands("keys", "create", *admin, "--expires-in-days", "1")
    with commands.serving("--no-worker", **commands.of(settings)) as server:
        assert "admin" not in server.said


def test_several_processes_share_the_port(tmp_path):
    with commands.serving("--workers", "2", "--no-worker", data_dir=tmp_path) as server:
        assert server.get("/readyz").status_code == 200
        assert server.stop() == 0


def test_a_port_that_is_taken_is_said_in_a_line_before_anything_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = commands.run("serve", "--port", port, data_dir=tmp_path / "data")

    assert refused.returncode == 1
    assert refused.stderr == f"demands: Port {port} on 127.0.0.1 is taken; choose another with --port.\n"
    assert not (tmp_path / "data").exists()


@on_postgresql
def test_on_postgresql_it_leaves_migrating_and_the_work_to_others(settings, tmp_path):
    with new_database(settings.database_url) as url:
        refused = commands.run("serve", "--port", "0", data_dir=tmp_path, database_url=url)
        commands.run("migrate", data_dir=tmp_path, database_url=url)
        with commands.serving("--demo", data_dir=tmp_path, database_url=url) as server:
            demands = server.get("/api/v1/demands?include=total").json()

    assert refused.returncode == 1
    assert refused.stderr == "demands: The database is not migrated; run `demands migrate`.\n"
    assert "`demands work`" in server.said
    assert demands["total"] == 19


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "no-such-database://"])
def test_a_database_that_cannot_be_reached_is_said_without_a_traceback(tmp_path, url):
    refused = commands.run("serve", "--port", "0", data_dir=tmp_path, database_url=url)

    assert refused.returncode == 1
    assert "DEMANDS_DATABASE_URL" in refused.stderr
    assert len(refused.stderr.splitlines()) <= 2


def count_keys(folder):
    database: Database = open_database(Settings(_env_file=None, data_dir=folder))
    try:
        with database.read() as session:
            return session.exec(select(func.count(col(Key.id)))).one()
    finally:
        database.dispose()
