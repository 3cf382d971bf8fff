"""What someone may not see is counted in no statistic, and what a statistic cannot filter by is refused."""

import pytest

from tests.factories import API, a_body, a_campaign, a_demand, a_draft, a_kind, change, publish
from tests.statistics.conftest import figures, targets

ROUTES = ["summary", "timeline", "timeline.csv", "bodies", "bodies.csv"]
DAYS = [{}, {"as_of": "2024-03-01"}]


@pytest.fixture
def hidden(ada):
    """Demands that an anonymous reader may not see, each with a kind, a campaign and a body of its own."""

    def own(name):
        return {
            "kind": a_kind(ada, slug=f"kind-{name}")["slug"],
            "campaign": a_campaign(ada, slug=f"campaign-{name}")["slug"],
            "targets": targets(a_body(ada, slug=f"body-{name}")["slug"]),
        }

    a_draft(ada, **own("draft"))
    publish(ada, a_draft(ada, **own("embargoed"))["ref"], embargoed_until="2024-06-01T00:00:00Z")
    a_demand(ada, "met", audience="partners", **own("partners"))
    a_demand(ada, "in_progress", audience="staff", **own("staff"))
    publish(ada, a_demand(ada, **own("unpublished"))["ref"], state="unpublished", reason="By mistake.")
    return {"client": 0, "eve": 1, "ada": 5}


def test_only_what_the_reader_may_see_is_counted(ada, client, eve, common, hidden):
    change(ada, a_demand(ada, **common)["ref"], "in_progress")

    for reader, hidden_but_shown, movements in ((client, 0, 2), (eve, 1, 4), (ada, 5, 9)):
        for day in DAYS:
            seen = 1 + hidden_but_shown
            summary = figures(reader, "summary", **day)
            months = figures(reader, "timeline", **day)["items"]
            cards = figures(reader, "bodies", **day)["items"]

            assert summary["total"] == sum(summary["by_status"].values()) == sum(summary["by_group"].values()) == seen
            assert [len(summary[f"by_{name}"]) for name in ("kind", "body", "campaign")] == [seen] * 3
            assert summary["verification"]["met"]["claimed"] == min(hidden_but_shown, 1)
            assert months[-1]["total"] == seen
            assert sum(sum(month["moved"].values()) for month in months) == movements
            assert sum(card["asked"] for card in cards) == len(cards) == seen


def test_of_what_is_hidden_an_anonymous_reader_reads_neither_name_nor_number(client, hidden):
    for route in ROUTES:
        for day in DAYS:
            found = client.get(f"{API}/statistics/{route}", params=day)
            nothing = client.get(f"{API}/statistics/{route}", params={**day, "tag": "unheard-of"})

            assert (found.status_code, found.content) == (200, nothing.content)


@pytest.mark.parametrize("route", ROUTES)
def test_words_that_statistics_do_not_know_are_refused_and_named(client, route):
    unknown = ["limit", "cursor", "sort", "include", "colour"]

    response = client.get(f"{API}/statistics/{route}", params=dict.fromkeys(unknown, "1"))

    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid")
    assert {error["where"] for error in response.json()["errors"]} == {f"query.{word}" for word in unknown}


@pytest.mark.parametrize("route", ["summary", "bodies"])
def test_only_the_timeline_has_a_range(client, route):
    response = client.get(f"{API}/statistics/{route}", params={"from": "2024-01"})

    assert response.status_code == 422
    assert response.json()["errors"][0]["where"] == "query.from"


def test_what_a_month_looks_like_is_said(client):
    response = client.get(f"{API}/statistics/timeline", params={"from": "2024-1"})

    assert (response.status_code, response.json()["detail"]) == (422, "query.from: a month is written as 2023-09")


@pytest.mark.parametrize("route", ROUTES)
def test_values_that_do_not_exist_are_refused_and_named(client, route):
    wrong = {"body": "nowhere", "kind": "nowhere", "status": "lost", "as_of": "yesterday", "overdue": "ish"}

    for word, value in wrong.items():
        response = client.get(f"{API}/statistics/{route}", params={word: value})

        assert response.status_code == 422
        assert response.json()["errors"][0]["where"].startswith(f"query.{word}")
