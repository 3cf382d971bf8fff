"""What people write, search for or ask to be erased is in no log, whatever goes wrong with the database."""

import traceback
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import text

from app import trouble
from tests.databases import on_postgresql, on_sqlite
from tests.factories import API

SECRET = "unspeakable"
NEW = {"slug": SECRET, "name": SECRET, "about": SECRET}
CUT = {
    "sqlite": "CREATE TRIGGER cut BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'cut'); END",
    "postgresql": """
        CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
        CREATE TRIGGER cut BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION cut()
    """,
}
MEND = {"sqlite": "DROP TRIGGER cut", "postgresql": "DROP FUNCTION cut() CASCADE"}
FORBID = "ALTER TABLE organization ADD CONSTRAINT nothing_new CHECK (false) NOT VALID"
ALLOW = "ALTER TABLE organization DROP CONSTRAINT nothing_new"


@pytest.fixture
def broken(database):
    """`with broken(statement, mended):` where the one harms the database, and the other heals it."""

    def run(statement):
        with closing(database.engine.raw_connection()) as connection:
            connection.cursor().execute(statement)
            connection.commit()

    @contextmanager
    def broken(statement, mended):
        run(statement)
        try:
            yield
        finally:
            run(mended)

    return broken


@pytest.fixture
def logged(caplog, monkeypatch):
    """All that is logged of a call; what an app raises is logged by its server, with the trace."""
    monkeypatch.setattr(trouble, "TELL_EVERY_SECONDS", 0)

    def logged(call):
        caplog.clear()
        raised = ""
        try:
            call()
        except Exception as error:  # noqa: BLE001  # of any kind: it is only read
            raised = "".join(traceback.format_exception(error))
        return caplog.text + raised

    return logged


@pytest.mark.parametrize(
    ("table", "method", "path", "sent"),
    [
        ("demand", "GET", f"demands?q={SECRET}", None),
        ("milestone", "POST", "redactions", {"text": SECRET, "reason": "It names a person."}),
    ],
)
def test_a_statement_that_fails_is_logged_without_what_it_was_given(ada, broken, logged, table, method, path, sent):
    with broken(f"ALTER TABLE {table} RENAME TO gone", f"ALTER TABLE gone RENAME TO {table}"):
        log = logged(lambda: ada.request(method, f"{API}/{path}", json=sent))

    assert "[SQL: " in log
    assert SECRET not in log


@pytest.mark.parametrize(
    ("table", "path", "sent"),
    [
        ("organization", "organizations", NEW),
        ("webhook", "webhooks", {"url": f"http://127.0.0.1/{SECRET}", "headers": {"Token": SECRET}}),
    ],
)
def test_a_row_that_is_lost_on_its_way_is_not_logged(kind, client_for, broken, logged, table, path, sent):
    """PostgreSQL loses the connection, SQLite breaks off."""
    admin = client_for("admin")

    with broken(CUT[kind].format(table=table), MEND[kind]):
        log = logged(lambda: admin.post(f"{API}/{path}", json=sent))

    assert {"sqlite": "cut", "postgresql": "terminating connection"}[kind] in log
    assert SECRET not in log


@on_postgresql
def test_a_row_that_breaks_a_rule_is_logged_by_the_name_of_the_rule(ada, broken, logged):
    with broken(FORBID, ALLOW):
        log = logged(lambda: ada.post(f"{API}/organizations", json=NEW))

    assert "nothing_new" in log
    assert SECRET not in log


@on_postgresql
@pytest.mark.parametrize("statement", ["SELECT CAST(:words AS date)", "SELECT to_tsquery('simple', :words || ' ! &')"])
def test_postgresql_quotes_no_value_that_it_cannot_read(database, logged, statement):
    assert quoted(database, logged, statement) == 0


@on_sqlite
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM demand_search WHERE demand_search MATCH :words",  # takes it for a column
        "SELECT 1 FROM demand_search WHERE demand_search MATCH '\"' || :words",
    ],
)
def test_sqlite_quotes_no_search_that_it_cannot_read(database, logged, statement):
    assert quoted(database, logged, statement) == 0


def quoted(database, logged, statement):
    def run():
        with database.read() as session:
            session.execute(text(statement), {"words": f"{SECRET}: {SECRET}"}).all()

    log = logged(run)
    assert "[SQL: " in log
    return log.count(SECRET)
