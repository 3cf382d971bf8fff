"""The order of the entries is the order of the commits, without gaps, however many write at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import pytest

from app import ledger
from app.accounts.actor import ANONYMOUS, system
from app.database import Database
from app.fields import Audience
from app.ledger.selecting import Selection
from tests.databases import on_postgresql
from tests.factories import a_body, a_campaign, a_demand, a_draft, a_kind, publish
from tests.ledger.crowds import Follower, versions_of, write_about
from tests.ledger.entries import broken_links, entries_of

WRITERS = {"sqlite": (6, 10), "postgresql": (20, 6)}  # how many, and how many transactions each of them tries


@pytest.fixture
def crowded(database, settings) -> Iterator[Database]:
    """The same database, with a connection for everyone."""
    wide = ledger.open_database(settings.model_copy(update={"database_pool_size": 30}))
    yield wide
    wide.dispose()


@pytest.fixture
def refs(ada):
    """Demands to write about: four that everyone sees and two drafts."""
    shared = {
        "campaign": a_campaign(ada)["slug"],
        "kind": a_kind(ada)["slug"],
        "targets": [{"body": a_body(ada)["slug"], "role": "decides"}],
    }
    drafts = [a_draft(ada, **shared)["ref"] for _ in range(6)]
    for ref in drafts[:4]:
        publish(ada, ref)
    return drafts


def test_no_reader_misses_or_repeats_what_many_write_at_once(kind, crowded, refs):
    before = versions_of(crowded, refs)
    everything = Follower(system("tests"))
    public = Follower(ANONYMOUS, limit=3)
    of_one = Follower(system("tests"), Selection.of([], {"demand": [refs[0]]}, Audience.STAFF), limit=1)

    committed = write_about(crowded, refs, *WRITERS[kind], [everything, public, of_one])

    entries = entries_of(crowded)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert sum(entry.type == "demand.update_added" for entry in entries) == committed > 0
    assert broken_links(crowded) == []

    assert [event.seq for event in everything.seen] == [entry.seq for entry in entries]
    assert [event.seq for event in of_one.seen] == [entry.seq for entry in entries if entry.demand == refs[0]]
    shown = [entry.seq for entry in entries if entry.demand not in refs[4:] and entry.audience is Audience.PUBLIC]
    assert [event.seq for event in public.seen] == shown

    about = sorted((e for e in entries if e.type == "demand.update_added"), key=lambda e: (e.demand or "", e.seq))
    after = versions_of(crowded, refs)
    for ref, of_demand in groupby(about, key=lambda entry: entry.demand or ""):
        told = [(entry.data or {})["demand"]["version"] for entry in of_demand]
        assert told == list(range(before[ref] + 1, after[ref] + 1)), ref


@on_postgresql
def test_a_transaction_that_takes_its_time_holds_nobody_up_and_comes_after_them(ada, crowded):
    slow, quick = a_demand(ada)["ref"], a_demand(ada)["ref"]
    before = len(entries_of(crowded))
    recorded, may_end = threading.Event(), threading.Event()

    def dawdle():
        with crowded.write() as session:
            note(session, slow)
            session.flush()
            recorded.set()
            assert may_end.wait(timeout=10)

    with ThreadPoolExecutor(1) as pool:
        dawdling = pool.submit(dawdle)
        assert recorded.wait(timeout=10)
        with crowded.write() as session:
            note(session, quick)
        may_end.set()
        dawdling.result(timeout=10)

    assert [entry.demand for entry in entries_of(crowded)[before:]] == [quick, slow]


@on_postgresql
def test_a_reader_sees_nothing_of_a_transaction_before_its_end(ada, crowded):
    ref = a_demand(ada)["ref"]
    reader = Follower(system("tests"), limit=200)
    reader.look(crowded)
    known, cursor = len(reader.seen), reader.cursor

    with crowded.write() as session:
        note(session, ref)
        session.before_commit()  # sealed, with the head's row locked, and not yet committed
        session.facts.clear()
        assert not reader.look(crowded)
        assert reader.cursor == cursor

    assert reader.look(crowded)
    assert [event.demand for event in reader.seen[known:]] == [ref]


def note(session, ref):
    about = ledger.About(keys=[f"demand:{ref}"], demand=ref)
    ledger.record(session, system("tests"), "demand.update_added", about, audience=Audience.PUBLIC)
