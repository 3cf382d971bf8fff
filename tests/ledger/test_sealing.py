"""Sealing: no visible change without an entry, no entry without its change, and nothing at all from what failed."""

import pytest
from sqlmodel import Session, select

from app import ledger
from app.accounts.actor import system
from app.accounts.models import Key
from app.campaigns.models import Campaign
from app.fields import Audience
from app.ledger.sealing import UnrecordedChange
from tests.factories import a_campaign
from tests.ledger.entries import broken_links, entries_of, head_of

TESTS = system("tests")


class Failed(Exception):
    pass


def a_row(slug="x", **values):
    return Campaign(slug=slug, prefix=slug.upper(), name="X", languages=["en"], **values)


def note(session, slug="x", audience=Audience.PUBLIC):
    about = ledger.About(keys=[f"campaign:{slug}"], campaign=slug)
    return ledger.record(session, TESTS, "campaign.revised", about, audience=audience, campaign={"slug": slug})


def write(database):
    with database.write() as session:
        session.add(a_row())
        note(session)


def write_and_fail(database):
    with database.write() as session:
        session.add(a_row())
        note(session)
        session.flush()
        raise Failed


def add(session, row):
    session.add(a_row())


def rename(session, row):
    row.name = "Renamed"
    session.add(row)


def remove(session, row):
    session.delete(row)


def add_and_flush(session, row):
    session.add(a_row())
    session.flush()


@pytest.mark.parametrize("change", [add, rename, remove, add_and_flush])
def test_a_change_that_no_event_tells_of_is_refused_and_leaves_nothing(ada, database, change):
    made = a_campaign(ada)
    before = head_of(database)

    with pytest.raises(UnrecordedChange, match="Campaign"), database.write() as session:
        change(session, session.exec(select(Campaign)).one())

    assert [(c["slug"], c["name"]) for c in ada.get("/api/v1/campaigns").json()["items"]] == [
        (made["slug"], made["name"])
    ]
    assert head_of(database) == before


def test_what_only_the_tracker_itself_sees_needs_no_event(ada, database):
    before = head_of(database)

    with database.write() as session:
        session.exec(select(Key)).one().label = "Ada’s"

    with database.read() as session:
        assert session.exec(select(Key)).one().label == "Ada’s"
    assert head_of(database) == before


def test_a_transaction_that_changes_nothing_leaves_no_entry_and_wakes_nobody(database):
    rung = []
    database.after_commit.append(lambda: rung.append(True))

    try:
        with database.write() as session:
            session.exec(select(Campaign)).all()
        assert rung == []

        with database.write() as session:
            note(session)
        assert rung == [True]
    finally:
        database.after_commit.pop()

    assert [entry.seq for entry in entries_of(database)] == [1]


def test_a_transaction_that_fails_leaves_neither_rows_nor_entries_nor_a_gap(database):
    with database.write() as session:
        note(session, "first")

    for _ in range(3):
        with pytest.raises(Failed):
            write_and_fail(database)
    with database.write() as session:
        note(session, "last")

    assert [(entry.seq, entry.campaign) for entry in entries_of(database)] == [(1, "first"), (2, "last")]
    assert broken_links(database) == []
    with database.read() as session:
        assert session.exec(select(Campaign)).all() == []


def test_a_failure_while_sealing_leaves_nothing_either(database, monkeypatch):
    def fail(*_):
        raise Failed

    monkeypatch.setattr("app.ledger.chain.extend", fail)

    with pytest.raises(Failed):
        write(database)

    assert (entries_of(database), head_of(database).seq) == ([], 0)
    with database.read() as session:
        assert session.exec(select(Campaign)).all() == []


def test_facts_of_one_transaction_stand_in_the_order_in_which_they_were_recorded(database):
    with database.write() as session:
        ids = [note(session, slug) for slug in ("one", "two", "three")]

    entries = entries_of(database)
    assert [(entry.seq, entry.id) for entry in entries] == list(enumerate(ids, start=1))
    assert len({entry.recorded_at for entry in entries}) == 1
    assert broken_links(database) == []


def test_the_rows_that_a_transaction_changed_are_kept_once_with_its_last_entry(database):
    with database.write() as session:
        row = a_row()
        session.add(row)
        session.flush()
        note(session)
        row.name = "As it ended"
        note(session)

    first, last = entries_of(database)
    assert first.images == []
    assert [(image["table"], image["row"]["name"]) for image in last.images or []] == [("campaign", "As it ended")]


def test_facts_are_collected_by_write_blocks_alone(database):
    with database.read() as session, pytest.raises(TypeError):
        note(session)
    with Session(database.engine) as session, pytest.raises(TypeError):
        note(session)


@pytest.mark.parametrize("member", ["type", "campaign", "data", "keys", "audience", "salt", "images"])
def test_an_entry_that_is_changed_breaks_the_chain(database, member):
    with database.write() as session:
        note(session)
        note(session)
    changed = {"type": "kind.revised", "audience": Audience.STAFF, "data": {}, "keys": [], "images": [{}]}

    with database.write() as session:
        entry = entries_of(database)[0]
        setattr(entry, member, changed.get(member, "other"))
        session.merge(entry)

    assert broken_links(database) == [1]
