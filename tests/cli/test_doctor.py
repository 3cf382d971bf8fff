"""`demands doctor`: what is wrong with an installation, how to mend it, and an exit code for scripts."""

import datetime

import pytest
from sqlalchemy import text, update

from app import clock
from app.webhooks.models import Lane
from tests.databases import on_postgresql, on_sqlite
from tests.factories import a_demand
from tests.webhooks.deliveries import a_webhook

KEY = "k" * 32


@pytest.fixture
def findings(demands, monkeypatch):
    """`findings(DEMANDS_…="…")`: the exit code, and for each thing looked at the level, and what is said of it."""

    def findings(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        result = demands("doctor")
        found: dict[str, tuple[str, str]] = {}
        about = ""
        for line in result.stdout.splitlines():
            level, rest = line[:5].strip(), line[5:]
            if level:
                about, _, what = rest.partition(": ")
                found[about] = (level, what)
            else:
                found[about] = (found[about][0], f"{found[about][1]} {rest.strip()}")
        return result.exit_code, found

    return findings


def levels(found):
    return {about: level for about, (level, _) in found.items()}


def test_an_installation_that_is_well_passes_every_check(findings, ada, database):
    a_demand(ada)

    code, found = findings(DEMANDS_BASE_URL="https://demands.example.org", DEMANDS_SECRET_KEY=KEY)

    if not database.is_sqlite:  # a server that is there for tests need not be set up for production
        assert found.pop("PostgreSQL")[0] in ("ok", "warn")
    looked_at = {"settings", "secret key", "data directory", "database", "migrations", "clock", "ledger", "worker"}
    assert code == 0
    assert looked_at <= found.keys()
    assert set(levels(found).values()) == {"ok"}


@on_sqlite
def test_a_warning_is_no_failure(findings, app):
    code, found = findings(DEMANDS_BASE_URL="http://demands.example.org", DEMANDS_SECRET_KEY="short")

    assert code == 0
    assert (found["settings"][0], found["secret key"][0]) == ("warn", "warn")
    assert "keys travel in clear" in found["settings"][1]


@on_sqlite
def test_a_folder_without_a_database_is_told_how_to_get_one(findings, tmp_path):
    code, found = findings(DEMANDS_DATA_DIR=str(tmp_path / "new"))

    assert code == 1
    assert found["database"][0] == "fail"
    assert "Run `demands migrate`" in found["database"][1]
    assert not (tmp_path / "new").exists()


def test_a_ledger_that_was_tampered_with_fails(findings, database, ada):
    a_demand(ada)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE event SET actor = '{}' WHERE seq = 2"))

    code, found = findings(DEMANDS_SECRET_KEY=KEY)

    assert (code, found["ledger"][0]) == (1, "fail")
    assert "entry 2" in found["ledger"][1]
    assert "`demands verify`" in found["ledger"][1]


@on_sqlite
def test_a_database_of_another_version_fails_and_is_not_looked_into_further(findings, database):
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '20200101_older'"))

    code, found = findings()

    assert (code, found["migrations"][0]) == (1, "fail")
    assert "Run `demands migrate`" in found["migrations"][1]
    assert "ledger" not in found


def test_secrets_of_another_key_are_told_before_a_delivery_needs_them(findings, eve):
    a_webhook(eve, "http://127.0.0.1:9999/hook")

    code, found = findings(DEMANDS_SECRET_KEY=KEY)

    assert (code, found["stored secrets"][0]) == (1, "fail")
    assert "another secret key" in found["stored secrets"][1]


@on_sqlite
def test_a_secret_key_that_is_not_there_is_told_and_none_is_made(findings, settings, eve):
    a_webhook(eve, "http://127.0.0.1:9999/hook")
    file = settings.data_dir / "secret.key"
    kept = file.read_text()
    file.unlink()

    try:
        code, found = findings()
        made = file.exists()
    finally:
        file.touch(mode=0o600)
        file.write_text(kept)

    assert (code, found["stored secrets"][0]) == (1, "fail")
    assert not made


@on_sqlite
def test_a_setting_that_is_none_is_named(findings, app):
    code, found = findings(DEMANDS_WEBHOOK_ALLOW_NETWORK="10.0.0.0/8")

    assert (code, found["settings"][0]) == (0, "warn")
    assert "there is no setting DEMANDS_WEBHOOK_ALLOW_NETWORK," in found["settings"][1]


@on_sqlite
def test_a_database_that_others_can_read_is_a_warning(findings, database, settings):
    file = settings.data_dir / "demands.sqlite3"
    file.chmod(0o644)

    code, found = findings()

    assert (code, found["database file"][0]) == (0, "warn")
    assert f"chmod 600 {file}" in found["database file"][1]


@on_sqlite
def test_work_that_nobody_does_is_a_warning(findings, database, eve):
    a_webhook(eve, "http://127.0.0.1:9999/hook")
    with database.write() as session:
        session.execute(update(Lane).values(ready_at=clock.now() - datetime.timedelta(minutes=11)))

    code, found = findings()

    assert (code, found["worker"][0]) == (0, "warn")
    assert "Start `demands work`" in found["worker"][1]


@on_postgresql
def test_processes_on_several_machines_need_a_key_in_common(findings, app):
    code, found = findings()

    assert (code, found["secret key"][0]) == (1, "fail")
    assert "DEMANDS_SECRET_KEY" in found["secret key"][1]


@on_postgresql
def test_a_server_that_does_not_answer_is_a_finding(findings, app):
    code, found = findings(DEMANDS_DATABASE_URL="postgresql://nobody:a-secret@127.0.0.1:1/none")

    assert (code, found["database"][0]) == (1, "fail")
    assert "a-secret" not in str(found)
