"""What the passing of time changes is recorded as an event, once for each occasion, whoever looks at the clock."""

from typing import Any

import pytest

from app.demands import timekeeping
from tests.factories import API, a_campaign, a_demand, a_draft, change, publish, read
from tests.racing import at_once


@pytest.fixture(autouse=True)
def beginning(set_clock):
    """Before all that is told of here."""
    set_clock("2024-01-01")


@pytest.fixture
def tick(database, set_clock):
    """`tick("2024-05-01")`: a worker keeps time at that moment; gives how many events that made."""

    def tick(moment):
        set_clock(moment)
        return timekeeping.tick(database)

    return tick


@pytest.fixture
def told(client):
    """`told("demand.overdue")`: the refs that the public was told of, oldest first."""

    def told(*types):
        items = client.get(f"{API}/events", params={"types": types, "limit": 200}).json()["items"]
        return [event["demand"] for event in items]

    return told


def patch(client, ref, **changes):
    answer = client.patch(f"{API}/demands/{ref}", json=changes, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text


def test_a_deadline_is_told_of_when_it_is_near_and_when_it_has_passed(ada, client, common, tick, told):
    ref = a_demand(ada, deadline="2024-05", **common)["ref"]

    seen = []
    for day in ("2024-04-30", "2024-05-01", "2024-05-02", "2024-05-31T23:59:59", "2024-06-01", "2024-06-02"):
        tick(day)
        seen.append((told("demand.due_soon"), told("demand.overdue")))

    near: tuple[list[str], list[str]] = ([ref], [])
    passed = ([ref], [ref])
    assert seen == [([], []), near, near, near, passed, passed]
    event = client.get(f"{API}/events", params={"types": "demand.overdue"}).json()["items"][0]
    assert (event["actor"], event["data"]["demand"]["overdue"]) == ({"organization": None}, True)
    assert (
        client.get(f"{API}/demands/{ref}/history").json()["items"][0]["summary"]
        == "The deadline of 2024-05 has passed."
    )


def test_when_nothing_has_become_so_nothing_is_recorded(ada, common, tick, ledger_end):
    a_demand(ada, deadline="2024-05", **common)
    assert tick("2024-06-01") > 0
    before = ledger_end()

    assert [tick(moment) for moment in ("2024-06-01", "2024-06-01T12:00:00", "2024-06-05")] == [0, 0, 0]
    assert ledger_end() == before


def test_after_a_standstill_all_is_told_that_has_become_so(ada, common, tick, told):
    passed, near, far = (a_demand(ada, deadline=day, **common)["ref"] for day in ("2024-05-10", "2024-07-10", "2025"))
    tick("2024-03-01")

    tick("2024-06-20")

    assert (told("demand.overdue"), told("demand.due_soon")) == ([passed], [near])
    assert far not in told("demand.overdue", "demand.due_soon")


def test_another_deadline_is_another_occasion(ada, common, tick, told):
    ref = a_demand(ada, deadline="2024-05-10", **common)["ref"]
    tick("2024-05-11")

    patch(ada, ref, deadline="2024-06-10")
    tick("2024-05-12")
    tick("2024-06-11")
    patch(ada, ref, title="Another title")
    tick("2024-06-12")

    assert told("demand.overdue") == [ref, ref]
    assert told("demand.due_soon") == [ref]


@pytest.mark.parametrize(
    ("deadline", "same"),
    [
        ("2023", "2023-12"),
        ("2023-12", "2023-12-31"),
        ("2023-04-30", "2023-04"),
        ("2023-02", "2023-02-28"),
        ("2024-02-29", "2024-02"),
        ("2100-02", "2100-02-28"),
        ("2000-02", "2000-02-29"),
    ],
)
def test_the_same_last_day_in_other_words_is_the_same_occasion(ada, common, tick, told, deadline, same):
    tick("1999-12-31")
    ref = a_demand(ada, deadline=deadline, first_made_on="1999", **common)["ref"]
    tick("2100-02-15")
    tick("2100-03-01")

    patch(ada, ref, deadline=same)
    tick("2100-03-02")

    assert told("demand.overdue") == [ref]
    assert len(told("demand.due_soon")) <= 1


def test_a_day_sooner_or_later_is_another_occasion(ada, common, tick, told):
    ref = a_demand(ada, deadline="2024-02", **common)["ref"]
    tick("2024-04-02")

    for deadline in ("2024-02-28", "2024-02-29", "2024-03", "2024-03-30"):
        patch(ada, ref, deadline=deadline)
        tick("2024-04-02")

    assert told("demand.overdue") == [ref] * 5


def test_what_is_settled_in_time_is_not_told_of(ada, common, evidence, tick, told):
    met, withdrawn = (a_demand(ada, deadline="2024-05-10", **common)["ref"] for _ in range(2))
    tick("2024-04-01")
    change(ada, met, "met", effective_on="2024-04-01", citations=evidence)
    change(ada, withdrawn, "withdrawn", effective_on="2024-04-01", citations=[])

    tick("2024-05-01")
    tick("2024-05-11")

    assert told("demand.due_soon", "demand.overdue") == []


def test_a_review_is_due_once_for_each_check(ada, common, tick, told, set_clock):
    common["campaign"] = a_campaign(ada, review_interval_days=10)["slug"]
    set_clock("2024-05-01")
    ref = a_demand(ada, **common)["ref"]
    patch(ada, ref, last_checked_on="2024-05-01")

    seen = []
    for day in ("2024-05-11", "2024-05-12", "2024-05-13"):
        tick(day)
        seen.append(told("demand.review_due"))
    patch(ada, ref, last_checked_on="2024-05-13")
    for day in ("2024-05-14", "2024-05-24"):
        tick(day)
        seen.append(told("demand.review_due"))

    assert seen == [[], [ref], [ref], [ref], [ref, ref]]


def test_of_what_nobody_has_checked_yet_a_review_is_due_after_the_interval(ada, client, common, tick, told, set_clock):
    common["campaign"] = a_campaign(ada, review_interval_days=10)["slug"]
    set_clock("2024-05-01T15:00:00")
    ref = a_demand(ada, **common)["ref"]

    seen = []
    for moment in ("2024-05-01T15:00:30", "2024-05-11T23:59:59", "2024-05-12", "2024-05-13"):
        tick(moment)
        seen.append(told("demand.review_due"))

    assert seen == [[], [], [ref], [ref]]
    newest = client.get(f"{API}/demands/{ref}/history").json()["items"][0]
    assert newest["summary"] == "Not checked since it was recorded."


def test_of_a_draft_only_staff_are_told(ada, common, tick, told):
    ref = a_draft(ada, deadline="2024-05-10", **common)["ref"]

    tick("2024-05-11")

    assert told("demand.overdue") == []
    assert [e["demand"] for e in ada.get(f"{API}/events", params={"types": "demand.overdue"}).json()["items"]] == [ref]


def embargoed(ada, **values):
    ref = a_draft(ada, **values)["ref"]
    publish(ada, ref, embargoed_until="2024-05-03T00:00:00Z")
    return ref


def shown_to(audience):
    return lambda ada, **values: a_demand(ada, audience=audience, **values)["ref"]


def widen(ada, ref):
    patch(ada, ref, audience="public")


HIDING: dict[str, Any] = {
    "a draft": (lambda ada, **values: a_draft(ada, **values)["ref"], publish),
    "an embargo that ends by itself": (embargoed, lambda ada, ref: None),
    "an embargo that is lifted": (embargoed, publish),
    "shown to staff": (shown_to("staff"), widen),
    "shown to partners": (shown_to("partners"), widen),
}


@pytest.mark.parametrize("how", HIDING)
def test_what_became_so_while_fewer_saw_it_is_told_to_those_to_whom_it_is_shown(ada, common, tick, told, how):
    common["campaign"] = a_campaign(ada, review_interval_days=10)["slug"]
    hide, show = HIDING[how]
    ref = hide(ada, deadline="2024-05-10", **common)
    patch(ada, ref, last_checked_on="2024-01-01")
    tick("2024-05-01")
    before = told("demand.due_soon"), told("demand.review_due")

    show(ada, ref)
    tick("2024-05-03")
    tick("2024-05-04")

    assert before == ([], [])
    assert (told("demand.due_soon"), told("demand.review_due")) == ([ref], [ref])


def test_what_is_no_longer_so_when_a_demand_is_shown_is_not_told(ada, common, tick, told):
    ref = a_draft(ada, deadline="2024-05-10", **common)["ref"]
    tick("2024-05-01")
    patch(ada, ref, deadline="2024-12", last_checked_on="2024-05-01")

    publish(ada, ref)
    tick("2024-05-02")

    assert told("demand.due_soon", "demand.review_due") == []


def test_what_was_told_before_a_demand_was_hidden_is_not_told_again(ada, client, common, tick, told):
    ref = a_demand(ada, deadline="2024-05-10", **common)["ref"]
    tick("2024-05-01")

    publish(ada, ref, embargoed_until="2024-05-03T00:00:00Z")
    tick("2024-05-02")
    tick("2024-05-03")

    assert read(client, ref)["due_soon"] is True
    events = client.get(f"{API}/events").json()["items"]
    assert [event["type"] for event in events if event["type"] == "demand.due_soon"] == ["demand.due_soon"]


@pytest.mark.parametrize("is_noted_before", [True, False])
def test_a_deadline_that_had_passed_when_a_demand_was_shown_is_no_news(
    ada, client, common, tick, told, is_noted_before, set_clock
):
    ref = a_draft(ada, deadline="2024-04", **common)["ref"]
    set_clock("2024-05-01")
    if is_noted_before:
        tick("2024-05-01")

    publish(ada, ref)
    tick("2024-05-02")

    [shown] = client.get(f"{API}/events", params={"types": "demand.published"}).json()["items"]
    assert shown["data"]["demand"]["overdue"] is True
    assert told("demand.overdue") == []
    assert [e["demand"] for e in ada.get(f"{API}/events", params={"types": "demand.overdue"}).json()["items"]] == [ref]


def test_more_than_fits_in_one_transaction_is_all_told(ada, common, tick, told, monkeypatch):
    monkeypatch.setattr(timekeeping, "CHUNK", 2)
    demands = [a_demand(ada, deadline="2024-05-10", **common)["ref"] for _ in range(5)]

    tick("2024-05-11")

    assert told("demand.overdue") == demands


def test_two_workers_at_once_tell_of_each_occasion_once(ada, common, database, set_clock, told, monkeypatch):
    monkeypatch.setattr(timekeeping, "CHUNK", 2)
    late = [a_demand(ada, deadline="2024-05-10", **common)["ref"] for _ in range(4)]
    soon = [a_demand(ada, deadline="2024-05-20", **common)["ref"] for _ in range(2)]
    hidden = [a_draft(ada, **common)["ref"] for _ in range(2)]
    for ref in hidden:
        publish(ada, ref, embargoed_until="2199-05-11T00:00:00Z")
    set_clock("2199-05-11")  # everything is late by now
    timekeeping_of_two = [lambda: timekeeping.tick(database)] * 3

    counts = at_once(timekeeping_of_two)

    assert sorted(told("demand.overdue")) == sorted(late + soon)
    assert sorted(told("demand.review_due")) == sorted(late + soon + hidden)
    assert sorted(told("demand.published"))[-2:] == sorted(hidden)
    assert sum(counts) == len(late + soon) * 2 + len(hidden) * 2
    assert timekeeping.tick(database) == 0


def test_what_is_no_longer_embargoed_is_shown_even_after_a_standstill(ada, client, common, tick):
    first, second = a_draft(ada, **common)["ref"], a_draft(ada, **common)["ref"]
    publish(ada, first, embargoed_until="2198-01-01T00:00:00Z")
    publish(ada, second, embargoed_until="2199-01-01T00:00:00Z")

    tick("2198-06-01")

    assert read(client, first)["embargoed_until"] is None
    assert client.get(f"{API}/demands/{second}").status_code == 404
