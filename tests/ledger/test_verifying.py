"""Verifying finds whatever was changed behind the ledger's back, in the entries and in the rows."""

import uuid

import pytest
from sqlalchemy import (
    Text,
    delete,
    func,
    insert,
    inspect,
    literal,
    select,
    text,
    type_coerce,
    update,
)

from app import models
from app.campaigns.models import Campaign, Kind
from app.demands.models import Demand, StatusChange, Target
from app.ledger import chain, open_database
from app.ledger.models import Head, Subject
from app.ledger.verifying import EVENT, check_newest, verify
from tests.databases import on_sqlite
from tests.factories import API, a_demand, change
from tests.ledger.entries import entries_of

TEXTS = ["actor", "audience", "campaign", "data", "data_digest", "demand", "hash", "images", "keys", "salt", "subject"]
TEXTS += ["type", "visible_to"]


def verified(database, progress=None):
    return verify(database, models.ledgered_tables(), progress)


def tamper(database, *statements):
    """Run the statements past the ledger, and past foreign keys and checks where the database lets us."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for pragma in ("foreign_keys = OFF", "ignore_check_constraints = ON") if database.is_sqlite else ():
            connection.connection.driver_connection.execute(f"PRAGMA {pragma}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        for pragma in ("foreign_keys = ON", "ignore_check_constraints = OFF") if database.is_sqlite else ():
            connection.connection.driver_connection.execute(f"PRAGMA {pragma}")


def an_entry_of(database, type):
    return next(entry for entry in entries_of(database) if entry.type == type)


def as_stored(database, seq):
    """The texts of an entry's columns."""
    with database.read() as session:
        texts = (type_coerce(EVENT.c[column], Text()).label(column) for column in TEXTS)
        return session.execute(select(*texts).where(EVENT.c.seq == seq)).one()._mapping


def assert_found(database, seq, column, changed, before):
    """Verifying finds the change, which is then undone."""
    where = EVENT.c.seq == seq
    tamper(database, update(EVENT).where(where).values({column: changed}))
    assert any(f"entry {seq}" in problem for problem in verified(database).problems), (column, changed)
    tamper(database, update(EVENT).where(where).values({column: literal(before, Text())}))


@pytest.fixture
def history(ada):
    demand = a_demand(ada, status="met", deadline="2024-01", tags=["aid"])
    change(ada, demand["ref"], "reversed")
    return demand


def test_what_people_did_verifies(history, database):
    steps = []

    result = verified(database, lambda done, total: steps.append((done, total)))

    assert result.problems == []
    assert result.entries == len(entries_of(database))
    assert result.rows > 10
    assert steps[-1] == (result.entries + result.rows,) * 2


def test_nothing_at_all_verifies(database):
    result = verified(database)

    assert (result.entries, result.rows, result.problems) == (0, 0, [])


def test_a_changed_character_is_found_wherever_it_is(history, database):
    seq = an_entry_of(database, "demand.published").seq
    stored = as_stored(database, seq)

    for column in TEXTS:
        text = stored[column]
        for place in {0, len(text) // 2, len(text) - 1}:
            changed = text[:place] + ("e" if text[place] == "f" else "f") + text[place + 1 :]
            if column in ("audience", "visible_to") and not database.is_sqlite:
                changed = "staff"  # PostgreSQL itself refuses what is no audience
            assert_found(database, seq, column, literal(changed, Text()), stored[column])
    assert verified(database).problems == []


@pytest.mark.parametrize(("type", "to"), [("demand.published", None), ("body.created", "staff")])
def test_a_value_put_in_or_taken_out_is_found(history, database, type, to):
    seq = an_entry_of(database, type).seq
    stored = as_stored(database, seq)

    for column in ("campaign", "demand", "subject", "visible_to"):
        assert_found(database, seq, column, to, stored[column])
    assert verified(database).problems == []


def test_another_id_moment_or_notice_is_found(history, database):
    seq = an_entry_of(database, "demand.published").seq
    where = EVENT.c.seq == seq
    with database.read() as session:
        recorded_at = session.execute(select(EVENT.c.recorded_at).where(where)).scalar_one()
    later = recorded_at.replace(microsecond=(recorded_at.microsecond + 1) % 1_000_000)

    for values in ({"id": uuid.uuid4()}, {"recorded_at": later}, {"notice": True}):
        with database.read() as session:
            before = dict(session.execute(select(*(EVENT.c[name] for name in values)).where(where)).one()._mapping)
        tamper(database, update(EVENT).where(where).values(values))

        assert verified(database).problems == [
            f"entry {seq}: its hash is not that of its content and the entry before"
        ], values

        tamper(database, update(EVENT).where(where).values(before))


@on_sqlite
@pytest.mark.parametrize(
    ("column", "expression"),
    [
        ("id", "upper(id)"),
        ("recorded_at", "replace(recorded_at, ' ', 'T')"),
        ("notice", "2"),
        ("type", "CAST(x'ff64' AS TEXT)"),
        ("type", "CAST(type AS BLOB)"),
        ("data", "CAST(x'ff64' AS TEXT)"),
        ("actor", "actor || ' '"),
        ("keys", "'{'"),
        ("hash", "1"),
    ],
)
def test_bytes_that_nobody_would_write_are_found_without_stumbling(history, database, column, expression):
    seq = an_entry_of(database, "demand.published").seq

    tamper(database, update(EVENT).where(EVENT.c.seq == seq).values({column: text(expression)}))

    assert any(f"entry {seq}" in problem for problem in verified(database).problems)


def test_a_missing_entry_is_found(history, database):
    seq = an_entry_of(database, "demand.published").seq

    tamper(database, delete(EVENT).where(EVENT.c.seq == seq))

    assert f"entries are missing between {seq - 1} and {seq + 1}" in verified(database).problems


def test_an_end_cut_off_is_found(history, database):
    last = entries_of(database)[-1].seq

    tamper(database, delete(EVENT).where(EVENT.c.seq == last))

    assert any("head" in problem for problem in verified(database).problems)


@pytest.mark.parametrize("values", [{"seq": 1}, {"hash": chain.GENESIS}])
def test_another_head_is_found(history, database, values):
    tamper(database, update(Head).values(values))

    assert any("head" in problem for problem in verified(database).problems)


def test_an_entry_whose_data_was_erased_leaves_the_chain_whole(history, database):
    entry = next(entry for entry in entries_of(database) if not entry.images)
    where = EVENT.c.seq == entry.seq

    tamper(database, update(EVENT).where(where).values(data=None, images=None, salt=None))
    erased = verified(database)
    tamper(database, update(EVENT).where(where).values(salt=entry.salt))
    half_erased = verified(database)

    assert (erased.erased, erased.problems) == (1, [])
    assert half_erased.problems == [f"entry {entry.seq}: a part of its data is gone"]


def test_words_taken_out_of_the_record_leave_it_whole(history, database, ada):
    patched = ada.patch(f"{API}/demands/{history['ref']}", json={"tags": ["a-secret"]}, headers={"If-Match": "*"})
    ada.patch(f"{API}/demands/{history['ref']}", json={"tags": []}, headers={"If-Match": "*"})
    redacted = ada.post(f"{API}/redactions", json={"text": "a-secret", "reason": "It names somebody."})

    result = verified(database)

    assert (patched.status_code, redacted.status_code) == (200, 201), redacted.text
    assert result.erased == redacted.json()["entries"] > 0
    assert result.problems == []


@pytest.mark.parametrize(
    ("model", "values", "told"),
    [
        (Demand, {"title": "Another title"}, 'title is "Another title"; by the ledger it should be "A mission'),
        (Demand, {"disputed": True}, "disputed is true; by the ledger it should be false"),
        (Demand, {"deadline": "2025-01"}, 'deadline is "2025-01"; by the ledger it should be "2024-01"'),
        (Demand, {"counts_as_met": "Anything"}, 'counts_as_met is "Anything"; by the ledger it should be null'),
        (StatusChange, {"internal_note": "Slipped in"}, 'internal_note is "Slipped in"'),
        (Kind, {"label": {"en": "Another"}}, 'label is {"en": "Another"}'),
        (Target, {"position": 7}, "position is 7; by the ledger it should be 0"),
        (Subject, {"visible_to": "staff"}, 'visible_to is "staff"; by the ledger it should be "public"'),
    ],
)
def test_a_changed_row_is_found_and_told(history, database, model, values, told):
    tamper(database, update(model).values(values))

    problems = verified(database).problems

    assert problems
    assert all(problem.startswith(f"{inspect(model).local_table.name} ") for problem in problems)
    assert told in problems[0]


def test_a_row_taken_away_is_found_in_every_table(history, database):
    models_with_rows = []
    for model in models.ledgered_tables():
        with database.read() as session:
            row = session.execute(select(inspect(model).local_table)).mappings().first()
        if row is None:
            continue
        models_with_rows.append(model)
        where = [column == row[column.name] for column in inspect(model).local_table.primary_key]
        tamper(database, delete(inspect(model).local_table).where(*where))

    problems = verified(database).problems

    for model in models_with_rows:
        assert any(
            problem.startswith(f"{inspect(model).local_table.name} ") and "missing" in problem for problem in problems
        )


def test_a_row_that_no_event_made_is_found(history, database):
    row = Campaign(slug="slipped-in", prefix="S", name="Slipped in", languages=["en"])

    tamper(database, insert(Campaign).values(row.model_dump()))

    assert verified(database).problems == [f"campaign id={row.id} is there, but no event made it"]


@on_sqlite
def test_a_row_stored_as_nothing_here_writes_it_is_found(history, database):
    tamper(database, update(Campaign).values(id=func.upper(type_coerce(Campaign.id, Text()))))
    tamper(database, update(Kind).values(about=text("x'66'")))

    problems = verified(database).problems

    assert any(problem.startswith("campaign") and "id is stored as" in problem for problem in problems)
    assert any(problem.startswith("kind") and "about is stored as" in problem for problem in problems)


@on_sqlite
def test_a_damaged_file_is_told_and_not_stumbled_over(history, database, settings, tmp_path):
    damaged = open_database(settings.model_copy(update={"data_dir": tmp_path}))
    database.forget_log()
    content = bytearray((settings.data_dir / "demands.sqlite3").read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096 * 20] = b"\xff" * 4096 * 20
    (tmp_path / "demands.sqlite3").write_bytes(content)

    assert verified(damaged).problems

    damaged.dispose()


def test_the_newest_links_are_checked_without_the_others(history, database):
    first, last = entries_of(database)[0].seq, entries_of(database)[-1].seq

    def newest():
        with database.read() as session:
            return check_newest(session, 3)

    tamper(database, update(EVENT).where(EVENT.c.seq == first).values(hash="0" * 64))
    assert newest() == []

    tamper(database, update(EVENT).where(EVENT.c.seq == last).values(salt="0" * 32))
    assert newest() == [f"entry {last}: its data is not what was recorded"]


def test_problems_everywhere_are_all_counted(history, database):
    tamper(database, update(EVENT).values(salt="0" * 32))

    result = verified(database)

    assert result.found > result.entries
    assert result.problems[0] == "entry 1: its data is not what was recorded"
