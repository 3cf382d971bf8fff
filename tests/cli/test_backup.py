"""`demands backup`: one whole moment of the database, however much is written meanwhile."""

import threading

import httpx2

from tests.cli import commands
from tests.databases import on_postgresql, on_sqlite
from tests.factories import API, a_demand


def test_a_backup_made_while_others_write_is_a_whole_moment_of_it(tmp_path):
    copy = tmp_path / "copy.sqlite3"
    with commands.serving("--demo", "--no-worker", data_dir=tmp_path) as server:
        before = server.get(f"{API}/ledger").json()["seq"]
        with Writer(server) as writer:
            made = commands.run("backup", copy, data_dir=tmp_path)
            writer.go_on_for(1)  # so that the last of it is not in the copy
        after = server.get(f"{API}/ledger").json()["seq"]

    elsewhere = tmp_path / "elsewhere"
    restored = commands.run("restore", copy, data_dir=elsewhere)
    verified = commands.run("verify", data_dir=elsewhere)
    with commands.serving("--no-worker", data_dir=elsewhere) as server:
        seq = server.get(f"{API}/ledger").json()["seq"]

    assert (made.returncode, made.stdout) == (0, "")
    assert "is sound" in made.stderr
    assert str(tmp_path / "secret.key") in made.stderr
    assert copy.stat().st_mode & 0o777 == 0o600
    assert (restored.returncode, verified.returncode, verified.stdout) == (0, 0, "")
    assert before < seq < after


@on_sqlite
def test_a_file_that_is_there_is_replaced_only_by_force(demands, ada, tmp_path):
    a_demand(ada)
    copy = tmp_path / "copy.sqlite3"
    copy.write_text("precious")

    refused = demands("backup", copy)
    kept = copy.read_text()
    forced = demands("backup", "--force", copy)

    assert (refused.exit_code, kept) == (1, "precious")
    assert refused.stderr == f"demands: {copy} is there already; choose another name, or --force to replace it.\n"
    assert (forced.exit_code, copy.read_bytes()[:15]) == (0, b"SQLite format 3")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.sqlite3"]


@on_sqlite
def test_a_folder_that_is_not_there_is_named(demands, app, tmp_path):
    refused = demands("backup", tmp_path / "nowhere" / "copy.sqlite3")

    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"demands: No such file or directory: {tmp_path / 'nowhere'}")


@on_postgresql
def test_on_postgresql_it_tells_the_command_that_does_it_without_the_password(demands, monkeypatch, tmp_path):
    monkeypatch.setenv("DEMANDS_DATABASE_URL", "postgresql://ada:a-secret@db.example/demands")

    refused = demands("backup", tmp_path / "my copy")

    assert refused.exit_code == 1
    assert f"pg_dump --format=custom --file='{tmp_path}/my copy' postgresql://ada@db.example/demands" in refused.stderr
    assert "a-secret" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


class Writer:
    """Records one update after the other while the block lasts, the first before it begins."""

    def __init__(self, server):
        self._server = server
        self._written = 0
        self._wanted = float("inf")
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self):
        self._thread.start()
        self._wait_for(1)
        return self

    def __exit__(self, *_):
        self._wanted = 0
        self._thread.join()

    def go_on_for(self, count):
        self._wait_for(self._written + count)

    def _wait_for(self, count):
        with self._progress:
            assert self._progress.wait_for(lambda: self._written >= count, timeout=30)

    def _write(self):
        headers = {"Authorization": f"Bearer {self._server.demo_key}"}
        with httpx2.Client(headers=headers, timeout=20, trust_env=False) as client:
            while self._written < self._wanted:
                new = {"text": f"Update {self._written}", "on": "2024-03-01"}
                client.post(f"{self._server.url}{API}/demands/NK-1/updates", json=new).raise_for_status()
                with self._progress:
                    self._written += 1
                    self._progress.notify_all()
