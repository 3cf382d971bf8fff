"""A disk without room: writers are told so and when to come back, readers do not notice."""

import logging
import re
from contextlib import closing, contextmanager

import pytest

from app import trouble
from tests.factories import API, an_organization

FILL = """
    CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER fill BEFORE INSERT ON organization EXECUTE FUNCTION fill()
"""
EMPTY = "DROP TRIGGER fill ON organization; DROP FUNCTION fill()"


@pytest.fixture
def full_disk(database):
    """For the length of a block, SQLite's file may not grow, and PostgreSQL refuses to store organisations."""

    def run(statement):
        with closing(database.engine.raw_connection()) as connection:
            connection.cursor().execute(statement)
            connection.commit()

    def limit_pages(count):
        run(f"PRAGMA max_page_count = {count}")

    @contextmanager
    def full_disk():
        limit_pages(1) if database.is_sqlite else run(FILL)
        yield
        limit_pages(2**32 - 2) if database.is_sqlite else run(EMPTY)

    return full_disk


def long_one(number):
    return {"slug": f"long-{number}", "name": "Long", "about": "x" * 10_000}


def test_who_writes_to_a_full_disk_is_told_so_and_may_come_back(ada, full_disk, caplog, monkeypatch):
    monkeypatch.setattr(trouble, "BRIEF_SECONDS", 0)
    there = an_organization(ada)["slug"]
    caplog.set_level(logging.INFO, "app")
    caplog.clear()

    with full_disk():
        answers = [ada.post(f"{API}/organizations", json=long_one(number)) for number in range(10)]
        read = ada.get(f"{API}/organizations/{there}")
    refused = answers[-1]
    again = ada.post(f"{API}/organizations", json=long_one(9))

    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/full")
    assert refused.headers["Retry-After"] == "60"
    assert "disk" in refused.json()["detail"]
    assert (read.status_code, again.status_code) == (200, 201)
    begun, over = caplog.records
    assert (begun.levelname, begun.exc_info) == ("WARNING", None)
    assert re.match("Writing to the database failed: .*(full|No space left)", begun.getMessage())
    times = [answer.status_code for answer in answers].count(503)
    assert re.match(rf"Writing to the database works again after .*; it had failed {times} times", over.getMessage())
