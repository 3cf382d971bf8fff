"""Which events a follower wants, and that planning finds each of them."""

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import func, select

from app import ledger
from app.accounts.actor import system
from app.demands.lifecycle import Group, Status
from app.fields import Audience
from app.ledger.models import Event
from app.ledger.selecting import FLAGS, Selection, match_keys, planning_keys
from app.ledger.words import Filters
from app.ledger.words import Group as GroupWord
from app.ledger.words import Status as StatusWord

CHANGE = {
    "type:demand.status_changed",
    "demand:NK-4",
    "campaign:nk",
    "kind:un_mission",
    "status:met",
    "group:met",
    "body:un",
    "body:ocha",
    "tag:health",
}


def wants(types=(), notice=False, keys=CHANGE, all_notices=False, **filters):
    return Selection.of(types, filters, Audience.PUBLIC, all_notices).matches(keys, notice)


def test_nothing_said_is_everything_wanted():
    assert wants()
    assert wants(keys={"type:campaign.revised", "campaign:nk"})


def test_several_values_of_a_word_mean_either():
    assert wants(status=["open", "met"])
    assert not wants(status=["open", "stalled"])


def test_different_words_narrow_together():
    assert wants(["demand.status_changed"], campaign=["nk"], body=["un"])
    assert not wants(["demand.status_changed"], campaign=["nk"], body=["osce"])
    assert not wants(["demand.revised"], campaign=["nk"])


def test_a_flag_that_is_false_wants_those_without_it():
    assert wants(disputed=False)
    assert not wants(disputed=True)
    assert not wants(disputed=False, keys=CHANGE | {"disputed:true"})
    assert wants(disputed=True, keys=CHANGE | {"disputed:true"})


def test_a_notice_is_wanted_whatever_the_type_and_the_status_were():
    keys = CHANGE - {"type:demand.status_changed"} | {"type:demand.unpublished"}

    assert wants(["demand.status_changed"], notice=True, keys=keys, status=["open"], campaign=["nk"], disputed=True)
    assert not wants(notice=True, keys=keys, campaign=["another"])
    assert wants(notice=True, keys={"type:source.withdrawn", "source:report"}, campaign=["another"])


def test_a_redaction_is_wanted_like_a_notice():
    redaction = CHANGE - {"type:demand.status_changed"} | {"type:demand.redacted"}

    assert wants(["demand.status_changed"], keys=redaction, status=["open"], campaign=["nk"])
    assert not wants(["demand.status_changed"], keys=redaction, campaign=["another"])


def test_whoever_followed_other_words_before_wants_every_notice_and_nothing_else_beside_the_words():
    assert wants(notice=True, all_notices=True, campaign=["another"])
    assert wants(keys=CHANGE | {"type:demand.redacted"}, all_notices=True, campaign=["another"])
    assert not wants(all_notices=True, campaign=["another"])


def test_the_scarcest_word_wakes_the_lane():
    assert match_keys([], {}) == {"*", "notice"}
    assert match_keys(["demand.cited"], {}) == {"type:demand.cited", "notice"}
    assert match_keys(["demand.cited"], {"campaign": ["nk"], "status": ["met"]}) == {"campaign:nk", "notice"}
    assert match_keys([], {"demand": ["NK-1", "NK-2"], "campaign": ["nk"]}) == {"demand:NK-1", "demand:NK-2", "notice"}
    assert match_keys([], {"disputed": True}) == {"*", "notice"}


words = st.fixed_dictionaries(
    {},
    optional={
        **{word: st.lists(st.sampled_from("abc"), min_size=1, unique=True) for word in ("demand", "tag", "status")},
        **{flag: st.booleans() for flag in FLAGS},
    },
)
some_keys = st.sets(st.sampled_from([f"{w}:{v}" for w in ("demand", "tag", "status") for v in "abc"] + ["stale:true"]))


@given(st.lists(st.sampled_from("xy")), words, some_keys, st.sampled_from("xyz"), st.booleans())
def test_every_event_that_is_wanted_wakes_the_lane(types, filters, keys, type, notice):
    keys = keys | {f"type:{type}"}

    if Selection.of(types, filters, Audience.PUBLIC).matches(keys, notice):
        assert match_keys(types, filters) & set(planning_keys(keys, notice))


def test_the_words_mean_what_they_mean_for_demands():
    assert get_args(StatusWord) == tuple(Status)
    assert get_args(GroupWord) == tuple(Group)
    assert set(FLAGS) < set(Filters.model_fields)


ENTRIES = [
    (name, ledger.About(keys=keys, demand=demand), notice)
    for notice in (False, True)
    for name, keys, demand in [
        ("source.withdrawn", ["source:a"], None),
        ("demand.cited", ["demand:a", "tag:a", "status:b", "stale:true"], "a"),
        ("demand.cited", ["demand:b", "tag:ab", "tag:c", "status:a", "disputed:true"], "b"),
        ("demand.cited", ["demand:b", "tag:a_b", "status:c"], "b"),
        ("demand.redacted", ["demand:b", "tag:a", "status:c"], "b"),
    ]
]


@pytest.fixture
def told(database):
    """What the table finds among entries with given keys, by the same selection."""

    def told(selection):
        with database.read() as session:
            return {event.seq for event in session.scalars(select(Event).where(selection.condition()))}

    return told


@given(types=st.lists(st.sampled_from(["demand.cited", "source.withdrawn"])), filters=words, all_notices=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_the_table_is_asked_the_same(database, told, types, filters, all_notices):
    with database.write() as session:
        if session.scalar(select(func.max(Event.seq))) is None:
            for name, about, notice in ENTRIES:
                ledger.record(session, system("tests"), name, about, audience=Audience.PUBLIC, notice=notice)
    with database.read() as session:
        entries = session.scalars(select(Event)).all()
    selection = Selection.of(types, filters, Audience.PUBLIC, all_notices)

    assert told(selection) == {entry.seq for entry in entries if selection.matches(entry.keys, entry.notice)}
