"""`demands migrate` and `demands seed`, and the quick look at what the newest shape is."""

import errno
import os

import pytest
from alembic.script import ScriptDirectory

from app import revisions
from tests.cli import commands
from tests.databases import on_sqlite


def test_the_newest_revision_is_the_head_of_alembic_s_chain():
    assert revisions.newest_revision() == ScriptDirectory(str(revisions.MIGRATIONS)).get_current_head()


def test_a_migrated_database_is_left_as_it_is(database, demands):
    assert revisions.current_revision(database) == revisions.newest_revision()

    again = demands("migrate")

    assert (again.exit_code, again.stderr) == (0, "Nothing to migrate.\n")


@on_sqlite
def test_an_empty_folder_is_told_how_to_become_a_database_and_becomes_one(demands, monkeypatch, tmp_path):
    monkeypatch.setenv("DEMANDS_DATA_DIR", str(tmp_path / "new"))

    too_early = demands("seed")
    assert (too_early.exit_code, too_early.stdout) == (1, "")
    assert "`demands migrate`" in too_early.stderr
    assert not (tmp_path / "new").exists()

    assert demands("migrate").stderr == f"Migrated to {revisions.newest_revision()}.\n"
    assert "Loaded 19 demands of nagorno-karabakh" in demands("seed").stderr
    assert "nothing was changed" in demands("seed").stderr


@on_sqlite
def test_a_file_where_the_data_directory_is_to_be_is_told_of(demands, monkeypatch, tmp_path):
    (tmp_path / "data").touch()
    monkeypatch.setenv("DEMANDS_DATA_DIR", str(tmp_path / "data"))

    refused = demands("migrate")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"demands: A file is in the way where a folder is to be: {tmp_path / 'data'}.\n"


@on_sqlite
def test_a_file_system_that_takes_nothing_is_told_from_a_file_that_is_another_s(demands, monkeypatch, tmp_path):
    (tmp_path / "demands.sqlite3").mkdir()  # so that SQLite cannot open it
    monkeypatch.setenv("DEMANDS_DATA_DIR", str(tmp_path))

    another_s = demands("migrate")
    monkeypatch.setattr("app.cli.explaining.TemporaryFile", read_only)
    takes_nothing = demands("migrate")

    assert (another_s.exit_code, takes_nothing.exit_code) == (1, 1)
    assert "see who owns it and its folder" in another_s.stderr
    assert takes_nothing.stderr == f"demands: Read-only file system: {tmp_path}.\n"


def read_only(**_):
    """As the system answers to whoever wants to write to a file system that is mounted read-only."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@on_sqlite
def test_a_database_of_a_newer_version_is_refused(database, demands):
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '20991231_newer'")

    refused, migrated = demands("verify"), demands("migrate")

    assert (refused.exit_code, migrated.exit_code) == (1, 1)
    assert "20991231_newer" in refused.stderr
    assert "A newer version may have made this database" in migrated.stderr


@on_sqlite
@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "is no YAML"), ("prefix: NO", "has a wrong CampaignNew: slug")],
)
def test_data_that_cannot_be_loaded_is_told_in_a_line_and_nothing_is_loaded(app, client, demands, tmp_path, text, told):
    (tmp_path / "campaign.yaml").write_text(text)

    refused = demands("seed", "--folder", tmp_path)

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert told in refused.stderr.splitlines()[-1]
    assert client.get("/api/v1/campaigns").json()["items"] == []


def test_what_a_command_writes_is_not_for_others_on_the_machine(tmp_path):
    commands.run("migrate", data_dir=tmp_path)

    commands.run("backup", tmp_path / "copy", data_dir=tmp_path)

    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}
    assert (tmp_path / "copy").exists()
