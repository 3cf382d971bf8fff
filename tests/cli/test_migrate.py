"""`demands migrate` and `demands seed`, and the quick look at what the newest shape is."""

from alembic.script import ScriptDirectory

from app import revisions
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
def test_a_database_of_a_newer_version_is_refused(database, demands):
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '20991231_newer'")

    refused, migrated = demands("verify"), demands("migrate")

    assert (refused.exit_code, migrated.exit_code) == (1, 1)
    assert "20991231_newer" in refused.stderr
    assert "A newer version may have made this database" in migrated.stderr
