"""The timeline: how many demands stood in each group at the end of each month."""

import csv
import io
import random

import pytest

from tests.factories import API, a_demand, a_kind, change, change_to
from tests.statistics.conftest import figures, total

GROUPS = ["open", "moving", "blocked", "met", "closed"]
NONE = dict.fromkeys(GROUPS, 0)
NEED_NO_EVIDENCE = ["open", "withdrawn", "overtaken"]
STATUSES = ["in_progress", "partially_met", "stalled", "reversed", "met", *NEED_NO_EVIDENCE]


def months(client, **query):
    return {item["month"]: item for item in figures(client, "timeline", **query)["items"]}


def groups(client, **query):
    """By month, the groups in which something stood."""
    return {
        month: {group: number for group, number in item["by_group"].items() if number}
        for month, item in months(client, **query).items()
    }


def moved(client, **query):
    """By month, the groups to which something moved."""
    return {
        month: {group: number for group, number in item["moved"].items() if number}
        for month, item in months(client, **query).items()
    }


def correct(client, ref, to, **values):
    return change(client, ref, to, kind="correction", **values)


def test_each_month_tells_how_many_stood_in_each_group_at_its_end(ada, client, common):
    first = a_demand(ada, **{**common, "first_made_on": "2023-11-30"})
    a_demand(ada, **{**common, "first_made_on": "2024-01-01"})
    change(ada, first["ref"], "in_progress", effective_on="2024-01-31")
    change(ada, first["ref"], "stalled", effective_on="2024-03-15")

    assert groups(client) == {
        "2023-11": {"open": 1},
        "2023-12": {"open": 1},
        "2024-01": {"open": 1, "moving": 1},
        "2024-02": {"open": 1, "moving": 1},
        "2024-03": {"open": 1, "blocked": 1},
    }


def test_a_month_names_its_last_day_and_this_month_today(ada, client, common):
    a_demand(ada, **{**common, "first_made_on": "2024-02-20"})

    february, march = figures(client, "timeline")["items"]

    assert february == {
        "month": "2024-02",
        "on": "2024-02-29",
        "total": 1,
        "by_group": {**NONE, "open": 1},
        "moved": {**NONE, "open": 1},
    }
    assert march == {
        "month": "2024-03",
        "on": "2024-03-15",
        "total": 1,
        "by_group": {**NONE, "open": 1},
        "moved": NONE,
    }


@pytest.mark.parametrize("seed", range(2))
def test_whatever_was_changed_and_corrected_a_month_equals_the_list_as_of_its_last_day(
    ada, client, common, evidence, seed
):
    chance = random.Random(seed)
    for _ in range(4):
        demand = a_demand(ada, **{**common, "first_made_on": a_date(chance)})
        for _ in range(chance.randint(1, 5)):
            to = chance.choice(STATUSES)
            citations = [] if to in NEED_NO_EVIDENCE else evidence
            new = change_to(ada, to, effective_on=a_date(chance), citations=citations, kind="change")
            for kind in ("change", "correction"):  # as a change where that is allowed
                answer = ada.post(f"{API}/demands/{demand['ref']}/status-changes", json={**new, "kind": kind})
                if answer.status_code == 201:
                    break

    timeline = months(client, **{"from": "2023-06"})

    assert list(timeline) == [*(f"2023-{month:02}" for month in range(6, 13)), "2024-01", "2024-02", "2024-03"]
    for item in timeline.values():
        listed = {group: total(client, as_of=item["on"], group=group) for group in GROUPS}
        assert (item["by_group"], item["total"]) == (listed, total(client, as_of=item["on"]))


def a_date(chance):
    """From July 2023 to today, of any precision; a year is 2023 or 2024."""
    month = chance.choice(["2023-07", "2023-08", "2023-09", "2023-11", "2023-12", "2024-01", "2024-02"])
    return chance.choice([month[:4], month, f"{month}-{chance.randint(1, 28):02}", f"{month}-01"])


def test_a_correction_rewrites_how_things_were_from_its_day(ada, client, common):
    demand = a_demand(ada, **{**common, "first_made_on": "2023-12-01"})
    change(ada, demand["ref"], "met", effective_on="2024-01-10")
    mistaken = groups(client)
    correct(ada, demand["ref"], "in_progress", effective_on="2024-01-10")

    assert mistaken["2024-02"] == {"met": 1}
    assert groups(client) == {
        "2023-12": {"open": 1},
        "2024-01": {"moving": 1},
        "2024-02": {"moving": 1},
        "2024-03": {"moving": 1},
    }


def test_a_coarse_date_counts_from_the_change_that_it_follows(ada, client, common):
    demand = a_demand(ada, **{**common, "first_made_on": "2023-11"})
    change(ada, demand["ref"], "in_progress", effective_on="2024-02-10")
    change(ada, demand["ref"], "met", effective_on="2024")

    assert groups(client) == {
        "2023-11": {"open": 1},
        "2023-12": {"open": 1},
        "2024-01": {"open": 1},
        "2024-02": {"met": 1},
        "2024-03": {"met": 1},
    }


def test_a_month_or_a_year_counts_from_its_first_day(ada, client, common):
    a_demand(ada, **{**common, "first_made_on": "2023"})
    later = a_demand(ada, **{**common, "first_made_on": "2023-02"})
    change(ada, later["ref"], "in_progress", effective_on="2023-04")

    timeline = groups(client, to="2023-05")

    assert timeline == {
        "2023-01": {"open": 1},
        "2023-02": {"open": 2},
        "2023-03": {"open": 2},
        "2023-04": {"open": 1, "moving": 1},
        "2023-05": {"open": 1, "moving": 1},
    }


def test_changes_from_one_group_to_another_are_the_movement_of_their_month(ada, client, common):
    demand = a_demand(ada, **{**common, "first_made_on": "2023-12-01"})
    change(ada, demand["ref"], "in_progress", effective_on="2024-01-10")
    change(ada, demand["ref"], "partially_met", effective_on="2024-01-20")
    change(ada, demand["ref"], "met", effective_on="2024-03-01")
    change(ada, demand["ref"], "reversed", effective_on="2024-03-02")

    assert moved(client) == {
        "2023-12": {"open": 1},
        "2024-01": {"moving": 1},
        "2024-02": {},
        "2024-03": {"met": 1, "blocked": 1},
    }


def test_neither_a_correction_nor_what_it_took_back_is_a_movement(ada, client, common):
    demand = a_demand(ada, **{**common, "first_made_on": "2023-12-01"})
    change(ada, demand["ref"], "in_progress", effective_on="2024-01-10")
    change(ada, demand["ref"], "met", effective_on="2024-02-10")
    correct(ada, demand["ref"], "in_progress", effective_on="2024-02-10")

    assert moved(client) == {
        "2023-12": {"open": 1},
        "2024-01": {"moving": 1},
        "2024-02": {},
        "2024-03": {},
    }


def test_a_range_shows_its_months_and_what_came_before_it_is_in_them(ada, client, common):
    a_demand(ada, **{**common, "first_made_on": "2023-01-10"})

    assert groups(client, **{"from": "2023-12", "to": "2024-01"}) == {"2023-12": {"open": 1}, "2024-01": {"open": 1}}
    assert groups(client, **{"from": "2022-12", "to": "2023-01"}) == {"2022-12": {}, "2023-01": {"open": 1}}


def test_months_that_have_not_begun_have_no_figures(ada, client, common):
    a_demand(ada, **{**common, "first_made_on": "2024-02-10"})

    assert list(months(client, to="2024-12")) == ["2024-02", "2024-03"]


def test_where_nothing_matches_there_are_only_the_months_asked_for(ada, client, common):
    a_demand(ada, **common)

    assert figures(client, "timeline", tag="unheard-of") == {"items": []}
    assert figures(client, "timeline", to="2001-01") == {"items": []}
    assert groups(client, tag="unheard-of", **{"from": "2024-02"}) == {"2024-02": {}, "2024-03": {}}


def test_a_century_shows_its_last_six_hundred_months(ada, client, common):
    a_demand(ada, **{**common, "first_made_on": "1915"})

    timeline = groups(client)

    assert (len(timeline), min(timeline), max(timeline)) == (600, "1974-04", "2024-03")
    assert timeline["1974-04"] == {"open": 1}


def test_a_range_that_is_none_is_refused_and_named(client):
    wrong = [
        ({"from": "2024-02", "to": "2024-01"}, "query.from"),
        ({"from": "2024-04"}, "query.from"),
        ({"from": "1974-03"}, "query.from"),
        ({"from": "2024-13"}, "query.from"),
        ({"from": "2024-01-01"}, "query.from"),
        ({"to": "2024"}, "query.to"),
        ({"to": "0000-01"}, "query.to"),
        ({"from_": "2024-01"}, "query.from_"),
        ({"from": "2023-12", "as_of": "2023-11-30"}, "query.from"),
    ]

    for query, named in wrong:
        response = client.get(f"{API}/statistics/timeline", params=query)

        assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid")
        assert [error["where"] for error in response.json()["errors"]] == [named]


def test_the_criteria_choose_by_how_demands_stand_today_and_show_how_these_stood_before(ada, client, common):
    chosen = a_demand(ada, **{**common, "first_made_on": "2024-01-10"})
    change(ada, chosen["ref"], "in_progress", effective_on="2024-02-10")
    a_demand(ada, **{**common, "first_made_on": "2024-01-10", "kind": a_kind(ada)["slug"]})

    by_group = groups(client, group="moving")
    by_kind = groups(client, kind=common["kind"])

    assert by_group == by_kind == {"2024-01": {"open": 1}, "2024-02": {"moving": 1}, "2024-03": {"moving": 1}}


def test_as_of_a_day_the_timeline_ends_with_it(ada, client, common):
    demand = a_demand(ada, **{**common, "first_made_on": "2023-11-10"})
    change(ada, demand["ref"], "in_progress", effective_on="2023-12-10")
    change(ada, demand["ref"], "stalled", effective_on="2023-12-20")
    a_demand(ada, **{**common, "first_made_on": "2024-01-10"})

    timeline = months(client, as_of="2023-12-15")

    assert groups(client, as_of="2023-12-15") == {"2023-11": {"open": 1}, "2023-12": {"moving": 1}}
    assert timeline["2023-12"]["on"] == "2023-12-15"
    assert groups(client, as_of="2023-12-15", group="moving") == {"2023-11": {"open": 1}, "2023-12": {"moving": 1}}
    assert groups(client, as_of="2023-12-15", group="blocked") == {}


def test_the_timeline_is_also_a_table(ada, client, common):
    demand = a_demand(ada, **{**common, "first_made_on": "2024-02-10"})
    change(ada, demand["ref"], "in_progress", effective_on="2024-03-10")

    response = client.get(f"{API}/statistics/timeline.csv")

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="timeline.csv"'
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [(row["month"], row["on"], row["total"], row["open"], row["moving"]) for row in rows] == [
        ("2024-02", "2024-02-29", "1", "1", "0"),
        ("2024-03", "2024-03-15", "1", "0", "1"),
    ]
    assert [(row["moved_open"], row["moved_moving"]) for row in rows] == [("1", "0"), ("0", "1")]
