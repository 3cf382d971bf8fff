"""What time makes of a demand: overdue, due soon, without an answer, not checked. Computed on read, never stored."""

import datetime
import itertools
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.actor import system
from app.dates import PartialDate
from app.demands.actions import create_demand
from app.demands.queries import get_demand
from app.demands.recording import add_update, record_response
from app.demands.schemas import DemandNew, ResponseNew, StatusChangeNew, UpdateNew
from app.demands.status_changes import change_status
from tests.factories import API, a_campaign, a_draft, change, made, read, refs

FLAGS = ("overdue", "stale", "no_response")
STATUSES = ["open", "in_progress", "partially_met", "stalled", "reversed", "met", "withdrawn", "overtaken"]
DEADLINES = [None, "2023", "2023-12", "2024-01-01", "2024-02", "2024-02-29", "2024"]
MADE_ON = ["2022", "2023", "2023-05", "2023-05-31"]
CHECKED_ON = [None, *(datetime.date(2023, 12, day) for day in (1, 2, 31)), datetime.date(2024, 2, 29)]
# the days on which flags turn, for the dates above and intervals of 1, 30 and 365 days
TURNS = [
    datetime.date.fromisoformat(day) + datetime.timedelta(days=days + more)
    for day in ("2023-12-01", "2023-12-31", "2024-01-01", "2024-02-29", "2024-12-31", "2023-05-31", "2023-01-01")
    for days in (0, 1, 30, 365)
    for more in (0, 1)
]


def flags(client, ref, *names):
    demand = read(client, ref)
    return tuple(demand[name] for name in names)


@pytest.mark.parametrize(
    ("deadline", "last_day", "day_after"),
    [
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("2024-02", "2024-02-29", "2024-03-01"),
        ("2023-12", "2023-12-31", "2024-01-01"),
        ("2024", "2024-12-31", "2025-01-01"),
    ],
)
def test_a_deadline_has_passed_when_its_last_day_has(ada, common, set_clock, deadline, last_day, day_after):
    set_clock("2023-01-01")
    ref = a_draft(ada, first_made_on="2022", deadline=deadline, **common)["ref"]

    set_clock(f"{last_day}T23:59:59")
    on_the_last_day = (*flags(ada, ref, "overdue", "due_soon"), refs(ada, overdue="true"))
    set_clock(day_after)
    on_the_day_after = (*flags(ada, ref, "overdue", "due_soon"), refs(ada, overdue="true"))

    assert on_the_last_day == (False, True, [])
    assert on_the_day_after == (True, False, [ref])


def test_a_deadline_is_near_thirty_days_ahead(ada, common, set_clock):
    set_clock("2024-05-01")
    near = a_draft(ada, deadline="2024-05-31", **common)["ref"]
    far = a_draft(ada, deadline="2024-06", **common)["ref"]
    none = a_draft(ada, **common)["ref"]

    assert [flags(ada, ref, "due_soon") for ref in (near, far, none)] == [(True,), (False,), (False,)]
    set_clock("2024-05-31")
    assert [flags(ada, ref, "due_soon") for ref in (near, far, none)] == [(True,), (True,), (False,)]


def test_what_is_settled_is_neither_late_nor_unanswered(ada, common, evidence, set_clock):
    set_clock("2024-05-01")
    ref = a_draft(ada, deadline="2024-04-30", first_made_on="2023", **common)["ref"]
    names = ("overdue", "due_soon", "no_response")
    assert flags(ada, ref, *names) == (True, False, True)

    for status in ("met", "withdrawn", "superseded", "overtaken"):
        successor = a_draft(ada, **common)["ref"] if status == "superseded" else None
        change(ada, ref, status, kind="correction", citations=evidence, successor=successor)
        assert flags(ada, ref, *names) == (False, False, False), status
        assert ref not in refs(ada, overdue="true") + refs(ada, no_response="true")

    change(ada, ref, "stalled", kind="correction", citations=evidence)
    assert flags(ada, ref, *names) == (True, False, True)


def test_silence_counts_after_the_campaigns_interval_until_anyone_answers(ada, common, evidence, set_clock):
    common["campaign"] = a_campaign(ada, review_interval_days=10)["slug"]
    target = common["targets"][0]["body"]
    set_clock("2024-05-01")
    ref = a_draft(ada, first_made_on="2024-04-30", **common)["ref"]

    set_clock("2024-05-10")
    assert (flags(ada, ref, "no_response"), refs(ada, no_response="true")) == ((False,), [])
    set_clock("2024-05-11")
    assert (flags(ada, ref, "no_response"), refs(ada, no_response="true")) == ((True,), [ref])

    answer = {"body": target, "response": "acknowledged", "on": "2024-05-11", "citations": evidence}
    made(ada, f"demands/{ref}/responses", answer)
    assert (flags(ada, ref, "no_response"), refs(ada, no_response="true")) == ((False,), [])


def test_a_demand_is_stale_when_nobody_has_checked_for_the_campaigns_interval(ada, common, set_clock):
    common["campaign"] = a_campaign(ada, review_interval_days=10)["slug"]
    set_clock("2024-05-01")
    ref = a_draft(ada, first_made_on="2024", **common)["ref"]
    assert flags(ada, ref, "stale", "last_checked_on", "next_review_on") == (True, None, None)

    ada.patch(f"{API}/demands/{ref}", json={"last_checked_on": "2024-04-25"}, headers={"If-Match": "*"})
    assert flags(ada, ref, "stale", "last_checked_on", "next_review_on") == (False, "2024-04-25", "2024-05-05")

    set_clock("2024-05-05")
    assert (flags(ada, ref, "stale"), refs(ada, stale="true")) == ((False,), [])
    set_clock("2024-05-06")
    assert (flags(ada, ref, "stale"), refs(ada, stale="true")) == ((True,), [ref])


def test_whoever_records_something_has_checked_today_whatever_day_it_is_about(ada, common, evidence, set_clock):
    ref = a_draft(ada, indicator={"name": "Visits", "unit": "visits"}, **common)["ref"]
    answer = {"body": common["targets"][0]["body"], "response": "noted", "on": "2024-03", "citations": evidence}
    moved = {"to": "in_progress", "effective_on": "2024", "reason": "x", "citations": evidence}
    checks: dict[str, tuple[str, dict[str, Any]]] = {
        "2024-05-10": ("updates", {"text": "x", "on": "2023-10"}),
        "2024-05-11": ("readings", {"value": 1, "on": "2024-02-10"}),
        "2024-05-12": ("responses", answer),
        "2025-05-13": ("status-changes", moved),
    }

    for today, (what, new) in checks.items():
        set_clock(today)
        made(ada, f"demands/{ref}/{what}", new)
        assert flags(ada, ref, "last_checked_on", "stale") == (today, False), what


def test_what_the_tracker_loads_was_checked_on_the_day_that_it_is_about(ada, common, database, set_clock):
    set_clock("2024-05-10")
    ref = a_draft(ada, **common)["ref"]

    def checked_on(day):
        with database.write() as session:
            add_update(session, system("seed"), ref, UpdateNew(text="x", on=PartialDate(day)))
        return read(ada, ref)["last_checked_on"]

    assert checked_on("2024-01") == "2024-01-31"
    assert checked_on("2023-12-01") == "2024-01-31"
    assert checked_on("2024") == "2024-05-10"


def test_what_is_closed_need_not_be_checked(ada, common, set_clock):
    set_clock("2024-05-01")
    ref = a_draft(ada, first_made_on="2022", **common)["ref"]
    change(ada, ref, "withdrawn", effective_on="2023", citations=[])

    assert (flags(ada, ref, "stale"), refs(ada, stale="true")) == ((False,), [])


@pytest.fixture
def mixture(ada, database, common, evidence):
    """Forty demands with every mixture of interval, deadline, status, answer and check."""
    dice = random.Random(7)
    campaigns = [a_campaign(ada, review_interval_days=days)["slug"] for days in (1, 30, 365)]
    actor = system("tests")
    answer = {"body": common["targets"][0]["body"], "response": "noted", "on": "2023", "citations": evidence}
    with database.write() as session:
        for number in range(40):
            new = {"title": f"Demand {number}", "asks": "x", **common, "campaign": dice.choice(campaigns)}
            dates = {"first_made_on": dice.choice(MADE_ON), "deadline": dice.choice(DEADLINES)}
            ref = create_demand(session, actor, DemandNew.model_validate({**new, **dates})).ref
            to = {"to": dice.choice(STATUSES), "effective_on": "2023-06", "kind": "correction"}
            change = StatusChangeNew.model_validate({**to, "reason": "x", "citations": evidence})
            change_status(session, actor, ref, change)
            if dice.random() < 0.3:
                record_response(session, actor, ref, ResponseNew.model_validate(answer))
            get_demand(session, actor, ref).last_checked_on = dice.choice(CHECKED_ON)


def test_a_filter_finds_those_that_show_the_flag_on_any_day(client_for, mixture, set_clock):
    viewer = client_for("campaigner")

    @settings(max_examples=15, deadline=None, database=None)
    @given(
        day=st.sampled_from(TURNS) | st.dates(datetime.date(2023, 7, 1), datetime.date(2025, 2, 1)), past=st.booleans()
    )
    def on_any_day(day, past):
        set_clock("2025-03-01" if past else str(day))
        then = {"as_of": str(day)} if past else {}
        items = viewer.get(f"{API}/demands", params={**then, "limit": 200}).json()["items"]
        for flag, shown in itertools.product(FLAGS, (True, False)):
            found = refs(viewer, **then, limit=200, **{flag: str(shown).lower()})
            assert found == [item["ref"] for item in items if item[flag] is shown], (flag, shown)

    on_any_day()
