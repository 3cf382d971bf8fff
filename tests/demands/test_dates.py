"""Dates that cannot be meant are refused."""

from typing import Any

from tests.factories import API, a_demand


def test_a_year_that_nobody_can_mean_is_refused_wherever_a_date_is_sent(refuses, ada, new, evidence):
    ref = a_demand(ada, **new)["ref"]
    sent: list[tuple[str, dict[str, Any], str]] = [
        ("demands", {**new, "first_made_on": "0001"}, "body.first_made_on"),
        ("demands", {**new, "deadline": "0999-12"}, "body.deadline"),
        ("sources", {"title": "x", "kind": "news", "published_on": "0999-12-31"}, "body.published_on"),
        (f"demands/{ref}/updates", {"text": "x", "on": "0201-05"}, "body.on"),
        (f"demands/{ref}/milestones", {"title": "x", "planned_on": "0001"}, "body.planned_on"),
        (f"demands/{ref}/citations", {**evidence[0], "claimed_on": "0001"}, "body.claimed_on"),
    ]

    for path, body, place in sent:
        problem = refuses("POST", path, body, 422)
        assert _where(problem) == place
        assert "before the year 1000" in problem["detail"]
    assert ada.post(f"{API}/demands", json={**new, "first_made_on": "1000-01-01"}).status_code == 201


def test_a_deadline_cannot_have_passed_before_the_demand_was_made(refuses, ada, new):
    ref = ada.post(f"{API}/demands", json={**new, "first_made_on": "2023-05-10", "deadline": "2023-05"}).json()["ref"]

    made = refuses("POST", "demands", {**new, "first_made_on": "2023-05-10", "deadline": "2023-05-09"}, 422)
    revised = [
        refuses("PATCH", f"demands/{ref}", change, 422)
        for change in (
            {"deadline": "2023-04"},
            {"first_made_on": "2023-06-01"},
            {"deadline": "2023-06-30", "first_made_on": "2023-07"},
        )
    ]
    both = ada.patch(
        f"{API}/demands/{ref}", json={"deadline": "2023-07", "first_made_on": "2023-07-31"}, headers={"If-Match": "*"}
    )

    assert _where(made) == "body.deadline"
    assert [_where(problem) for problem in revised] == ["body.deadline", "body.first_made_on", "body.deadline"]
    assert "2023-04 would have passed" in revised[0]["detail"]
    assert (both.status_code, both.json()["deadline"], both.json()["first_made_on"]) == (200, "2023-07", "2023-07-31")


def _where(problem):
    return problem["errors"][0]["where"]
