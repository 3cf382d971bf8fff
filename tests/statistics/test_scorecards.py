"""The scorecards: what was asked of each body, how it answered, and what came of it."""

import csv
import io

import pytest

from tests.factories import API, a_body, a_demand, change
from tests.statistics.conftest import figures, targets


@pytest.fixture
def asked(ada, common):
    """`asked("ocha", "un")`: a demand addressed to these bodies."""

    def asked(*bodies, status="open", **values):
        return a_demand(ada, status, **{**common, "targets": targets(*bodies), **values})

    return asked


def cards(client, **query):
    return {card["slug"]: card for card in figures(client, "bodies", **query)["items"]}


def test_a_body_is_scored_by_what_it_was_asked_and_how_it_answered(ada, client, asked, respond):
    a_body(ada, slug="ocha", name="Office for the Coordination of Humanitarian Affairs", acronym="OCHA")
    first = asked("ocha", first_made_on="2024-01-01")
    second = asked("ocha", first_made_on="2024-01-01")
    oldest = asked("ocha", first_made_on="2023-12-01")
    respond(first, "ocha", on="2024-01-11")
    respond(first, "ocha", on="2024-03-01", response="supported")
    respond(second, "ocha", on="2024-01-06", response="rejected")

    assert cards(client) == {
        "ocha": {
            "slug": "ocha",
            "name": "Office for the Coordination of Humanitarian Affairs",
            "acronym": "OCHA",
            "asked": 3,
            "answered": 2,
            "answer_rate": 0.6667,
            "median_days_to_first_response": 7.5,
            "met": 0,
            "met_claimed": 0,
            "share_met": 0.0,
            "oldest_open": {"ref": oldest["ref"], "first_made_on": "2023-12-01"},
        }
    }


def test_a_body_that_never_answered_has_no_days_to_its_first_response(ada, client, asked):
    a_body(ada, slug="ocha")
    asked("ocha")

    card = cards(client)["ocha"]

    assert (card["answered"], card["answer_rate"], card["median_days_to_first_response"]) == (0, 0.0, None)


def test_the_bodies_below_are_folded_in_and_each_demand_counts_once(ada, client, asked, respond):
    a_body(ada, slug="un")
    a_body(ada, slug="secretariat", parent="un")
    a_body(ada, slug="ocha", parent="secretariat")
    a_body(ada, slug="unhcr", parent="un")
    for ocha_on, unhcr_on in (("2024-01-21", "2024-01-11"), ("2024-01-11", "2024-01-21")):
        both = asked("ocha", "unhcr", first_made_on="2024-01-01")
        respond(both, "ocha", on=ocha_on)
        respond(both, "unhcr", on=unhcr_on)
    asked("un")

    scored = cards(client)

    assert {slug: (card["asked"], card["answered"]) for slug, card in scored.items()} == {
        "un": (3, 2),
        "ocha": (2, 2),
        "secretariat": (2, 2),
        "unhcr": (2, 2),
    }
    assert {slug: card["median_days_to_first_response"] for slug, card in scored.items()} == {
        "un": 10,
        "ocha": 15,
        "secretariat": 15,
        "unhcr": 15,
    }


def test_what_another_target_answered_is_no_answer_of_the_body(ada, client, asked, respond):
    a_body(ada, slug="council")
    a_body(ada, slug="court")
    demand = asked("council", "court")

    respond(demand, "court", on="2024-01-01")

    assert (cards(client)["council"]["answered"], cards(client)["court"]["answered"]) == (0, 1)


def test_a_body_whose_newest_response_is_none_has_not_answered(ada, client, asked, respond):
    a_body(ada, slug="ocha")
    demand = asked("ocha")
    respond(demand, "ocha", on="2024-01-01")
    respond(demand, "ocha", on="2024-02-01", response="none")

    now, before = cards(client)["ocha"], cards(client, as_of="2024-01-31")["ocha"]

    assert (now["answered"], now["median_days_to_first_response"]) == (0, None)
    assert before["answered"] == 1


def test_that_there_was_no_response_yet_is_no_response(ada, client, asked, respond):
    a_body(ada, slug="ocha")
    demand = asked("ocha", first_made_on="2024-01-01")
    respond(demand, "ocha", on="2024-01-02", response="none")
    respond(demand, "ocha", on="2024-01-11")

    card = cards(client)["ocha"]

    assert (card["answered"], card["median_days_to_first_response"]) == (1, 10)


@pytest.mark.parametrize(
    ("made_on", "responded_on", "days"),
    [
        ("2023-10-01", "2023-10-01", 0),
        ("2023-10-01", "2023-09-30", None),
        ("2023-10-01", "2023-09", None),
        ("2023-10-01", "2023-10", 0),
        ("2023-10-01", "2023", 0),
        ("2023-10", "2023-10-21", 20),
        ("2022", "2023", 365),
        ("2024-02-01", "2024-03-01", 29),
    ],
)
def test_days_run_from_first_day_to_first_day_and_what_was_said_before_took_none(
    ada, client, asked, respond, made_on, responded_on, days
):
    a_body(ada, slug="ocha")
    demand = asked("ocha", first_made_on=made_on)

    respond(demand, "ocha", on=responded_on)

    card = cards(client)["ocha"]
    assert (card["answered"], card["median_days_to_first_response"]) == (1, days)


def test_only_what_a_second_person_confirmed_counts_towards_the_share_met(ada, client, asked, met):
    a_body(ada, slug="ocha")
    met(verified=True, targets=targets("ocha"))
    met(verified=False, targets=targets("ocha"))
    asked("ocha")
    asked("ocha", status="partially_met")

    card = cards(client)["ocha"]

    assert (card["asked"], card["met"], card["met_claimed"], card["share_met"]) == (4, 1, 1, 0.25)


def test_the_oldest_open_demand_is_neither_met_nor_closed(ada, client, asked, met):
    a_body(ada, slug="ocha")
    met(verified=False, targets=targets("ocha"), first_made_on="2022-01-01")
    asked("ocha", status="withdrawn", first_made_on="2022-02-01")
    asked("ocha", first_made_on="2023-05-01")
    oldest = asked("ocha", status="reversed", first_made_on="2022-03")

    assert cards(client)["ocha"]["oldest_open"] == {"ref": oldest["ref"], "first_made_on": "2022-03"}


def test_a_body_with_nothing_open_has_no_oldest_open_demand(ada, client, asked):
    a_body(ada, slug="ocha")
    asked("ocha", status="withdrawn")

    assert cards(client)["ocha"]["oldest_open"] is None


def test_the_most_asked_come_first_and_those_of_which_nothing_was_asked_not_at_all(ada, client, asked):
    for slug in ("a", "b", "c", "unasked"):
        a_body(ada, slug=slug)
    asked("c", "b")
    asked("a", "c")

    assert list(cards(client)) == ["c", "a", "b"]


def test_with_bodies_named_only_these_and_those_below_them_are_scored(ada, client, asked):
    a_body(ada, slug="un")
    a_body(ada, slug="secretariat", parent="un")
    a_body(ada, slug="ocha", parent="secretariat")
    a_body(ada, slug="eu")
    asked("ocha", "eu")
    asked("eu")

    assert list(cards(client, body="secretariat")) == ["ocha", "secretariat"]
    assert cards(client, body="eu")["eu"]["asked"] == 2


def test_as_of_a_day_the_scores_are_those_of_that_day(ada, client, asked, respond):
    a_body(ada, slug="ocha")
    demand = asked("ocha", first_made_on="2023-11-01")
    change(ada, demand["ref"], "met", effective_on="2024-02-01")
    respond(demand, "ocha", on="2023-12-01")
    asked("ocha", first_made_on="2024-03-01")

    made, answered, met = (cards(client, as_of=day)["ocha"] for day in ("2023-11-15", "2023-12-31", "2024-02-29"))

    assert [card["asked"] for card in (made, answered, met)] == [1, 1, 1]
    assert [card["answered"] for card in (made, answered, met)] == [0, 1, 1]
    assert [card["met_claimed"] for card in (made, answered, met)] == [0, 0, 1]
    assert [card["oldest_open"] is None for card in (made, answered, met)] == [False, False, True]
    assert cards(client)["ocha"]["asked"] == 2


def test_the_scorecards_are_also_a_table_in_which_nothing_is_a_formula(ada, client, asked):
    a_body(ada, slug="ocha", name='=HYPERLINK("https://evil.example")')
    demand = asked("ocha")

    response = client.get(f"{API}/statistics/bodies.csv")

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="bodies.csv"'
    assert list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")))) == [
        {
            "slug": "ocha",
            "name": '\'=HYPERLINK("https://evil.example")',
            "acronym": "",
            "asked": "1",
            "answered": "0",
            "answer_rate": "0.0",
            "median_days_to_first_response": "",
            "met": "0",
            "met_claimed": "0",
            "share_met": "0.0",
            "oldest_open": demand["ref"],
            "oldest_open_first_made_on": "2023-09-28",
        }
    ]
