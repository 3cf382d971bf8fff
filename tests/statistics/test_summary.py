"""The summary: how many demands of each sort there are."""

import pytest

from tests.factories import a_body, a_campaign, a_demand, a_kind, a_source, an_organization, change
from tests.statistics.conftest import figures, targets, total

NONE = {"open": 0, "moving": 0, "blocked": 0, "met": 0, "closed": 0}


def test_every_status_and_every_group_is_counted_zeros_included(ada, client, common, evidence):
    for status in ("open", "in_progress", "partially_met", "partially_met", "withdrawn"):
        a_demand(ada, status, **common)

    summary = figures(client, "summary")

    assert summary["total"] == 5
    assert summary["by_status"] == {
        "open": 1,
        "in_progress": 1,
        "partially_met": 2,
        "stalled": 0,
        "reversed": 0,
        "met": 0,
        "withdrawn": 1,
        "superseded": 0,
        "overtaken": 0,
    }
    assert summary["by_group"] == {"open": 1, "moving": 3, "blocked": 0, "met": 0, "closed": 1}


def test_without_demands_everything_is_zero(client):
    summary = figures(client, "summary")

    assert (summary["total"], summary["by_group"], summary["by_kind"]) == (0, NONE, [])
    assert (summary["by_body"], summary["by_campaign"]) == ([], [])
    assert summary["verification"] == {
        "met": {"claimed": 0, "verified": 0},
        "reversed": {"claimed": 0, "verified": 0},
    }


def test_kinds_and_campaigns_come_with_their_names_the_largest_first(ada, client, common):
    few = a_kind(ada, slug="few", label={"en": "Few", "hy": "Քիչ"})
    rest = a_campaign(ada, slug="rest", name="The rest")
    a_kind(ada, slug="unused")
    for _ in range(2):
        a_demand(ada, **common)
    a_demand(ada, "in_progress", **{**common, "kind": few["slug"], "campaign": rest["slug"]})

    summary = figures(client, "summary")

    assert [kind["slug"] for kind in summary["by_kind"]] == [common["kind"], "few"]
    assert summary["by_kind"][1] == {
        "slug": "few",
        "label": {"en": "Few", "hy": "Քիչ"},
        "total": 1,
        "by_group": {**NONE, "moving": 1},
    }
    assert [campaign["slug"] for campaign in summary["by_campaign"]] == [common["campaign"], "rest"]
    assert summary["by_campaign"][1] == {
        "slug": "rest",
        "name": "The rest",
        "total": 1,
        "by_group": {**NONE, "moving": 1},
    }


def test_a_body_counts_the_demands_of_the_bodies_below_it_each_once(ada, client, common):
    a_body(ada, slug="un", name="United Nations", acronym="UN")
    a_body(ada, slug="secretariat", parent="un")
    a_body(ada, slug="ocha", parent="secretariat")
    a_body(ada, slug="unhcr", parent="un")
    a_demand(ada, **{**common, "targets": targets("ocha", "unhcr", "un")})
    a_demand(ada, "in_progress", **{**common, "targets": targets("ocha")})

    by_body = figures(client, "summary")["by_body"]

    assert [(body["slug"], body["total"]) for body in by_body] == [
        ("ocha", 2),
        ("secretariat", 2),
        ("un", 2),
        ("unhcr", 1),
    ]
    assert by_body[2] == {
        "slug": "un",
        "name": "United Nations",
        "acronym": "UN",
        "total": 2,
        "by_group": {**NONE, "open": 1, "moving": 1},
    }


def test_what_is_verified_is_counted_apart_from_what_is_claimed(ada, client, common, met):
    met(verified=True)
    met(verified=False)
    met(verified=False)
    a_demand(ada, "reversed", **common)

    summary = figures(client, "summary")

    assert summary["by_status"]["met"] == 3
    assert summary["verification"] == {
        "met": {"claimed": 2, "verified": 1},
        "reversed": {"claimed": 1, "verified": 0},
    }


@pytest.fixture
def varied(ada, met, common, respond):
    """Demands of many sorts, and a value for each criterion that some but not all of them meet."""
    issuer, source, body = an_organization(ada)["slug"], a_source(ada)["slug"], a_body(ada)["slug"]
    below = a_body(ada, parent=body)["slug"]
    a_demand(ada, **common, deadline="2024-03-10")
    late = a_demand(ada, **{**common, "deadline": "2024-01", "targets": targets(below), "tags": ["aid"]})
    a_demand(ada, **{**common, "first_made_on": "2024-03-01", "issuers": [issuer], "kind": a_kind(ada)["slug"]})
    disputed = [
        {"source": source, "stance": "supports"},
        {"source": a_source(ada)["slug"], "stance": "contradicts"},
    ]
    change(ada, a_demand(ada, **{**common, "title": "Release prisoners"})["ref"], "in_progress", citations=disputed)
    a_demand(ada, "withdrawn", **{**common, "campaign": a_campaign(ada)["slug"]})
    met(verified=True, first_made_on="2023-01")
    respond(late, below, on="2024-03-14")
    return {
        "campaign": common["campaign"],
        "kind": common["kind"],
        "status": "open",
        "group": "met",
        "body": body,
        "issuer": issuer,
        "source": source,
        "tag": "aid",
        "q": "prisoners",
        "overdue": "true",
        "stale": "true",
        "disputed": "true",
        "no_response": "true",
        "as_of": "2023-10-15",
    }


def test_every_criterion_narrows_the_summary_as_it_narrows_the_list(client, varied):
    everything = figures(client, "summary")["total"]

    for criterion, value in varied.items():
        summary = figures(client, "summary", **{criterion: value})

        assert 0 < summary["total"] == total(client, **{criterion: value}) < everything
        assert sum(summary["by_status"].values()) == summary["total"]
        for name in ("by_kind", "by_campaign"):
            assert sum(item["total"] for item in summary[name]) == summary["total"]


@pytest.mark.parametrize("day", [{}, {"as_of": "2024-02-29"}])
def test_flags_are_counted_as_the_list_filters_by_them(client, varied, day):
    summary = figures(client, "summary", **day)

    for flag in ("disputed", "overdue", "stale", "no_response"):
        assert summary[flag] == total(client, **day, **{flag: "true"}) > 0


def test_as_of_a_day_the_summary_tells_how_things_stood_on_it(ada, client, common):
    moved = a_demand(ada, **common)
    change(ada, moved["ref"], "in_progress", effective_on="2024-01-10")
    a_demand(ada, **{**common, "first_made_on": "2024-01"})

    before = figures(client, "summary", as_of="2023-12-31")
    after = figures(client, "summary", as_of="2024-01-10")

    assert before["by_group"] == {**NONE, "open": 1}
    assert after["by_group"] == {**NONE, "open": 1, "moving": 1}
    assert before["by_body"][0]["by_group"] == {**NONE, "open": 1}
    assert after["by_body"][0]["by_group"] == {**NONE, "open": 1, "moving": 1}
