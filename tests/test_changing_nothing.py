"""A PATCH that changes nothing is no event: no version moves, and nobody is told."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.factories import API, a_body, a_campaign, a_demand, a_kind, a_source, an_organization, made


def a_demand_in_full(client):
    issuers, tags = [an_organization(client)["slug"]], ["siege", "access"]
    indicator = {"name": "Missions", "unit": "missions", "target": 1.0}
    return a_demand(client, issuers=issuers, tags=tags, indicator=indicator, deadline="2025-01")


def a_body_in_the_tree(client):
    above = a_body(client)["slug"]
    return a_body(client, parent=above, successor=above, identifiers={"wikidata": "Q1", "iso": "AM"}, acronym="B")


THINGS: dict[str, tuple[Callable[[TestClient], dict[str, Any]], str]] = {
    "sources": (lambda client: a_source(client, issued_by=[a_body(client)["slug"]], published_on="2023-05"), "slug"),
    "bodies": (a_body_in_the_tree, "slug"),
    "organizations": (an_organization, "slug"),
    "campaigns": (a_campaign, "slug"),
    "kinds": (a_kind, "slug"),
    "demands": (a_demand_in_full, "ref"),
}
REVISED: dict[str, dict[str, Any]] = {  # to something else
    "sources": {"issued_by": []},
    "bodies": {"identifiers": {"iso": None}},
    "organizations": {"about": "Somebody."},
    "campaigns": {"languages": ["hy"]},
    "kinds": {"label": {"hy": "Տեսակ"}},
    "demands": {"tags": ["siege"]},
}
FIXED = {"slug", "prefix", "ref", "version", "created_at", "updated_at"}


def as_patched(kind, thing):
    """What the thing reads, as a PATCH would say it."""
    if kind != "demands":
        return {
            name: value for name, value in thing.items() if name not in FIXED | {"demands", "children", "ancestors"}
        }
    own = ("kind", "title", "asks", "counts_as_met", "first_made_on", "deadline", "tags", "sensitivity", "audience")
    return {
        **{name: thing[name] for name in own},
        "targets": [{"body": target["body"]["slug"], "role": target["role"]} for target in thing["targets"]],
        "issuers": [issuer["slug"] for issuer in thing["issuers"]],
        "indicator": {name: thing["indicator"][name] for name in ("name", "unit", "target")},
    }


@pytest.mark.parametrize("things", THINGS)
def test_saying_what_is_recorded_already_changes_nothing(ada, client, things):
    make, name = THINGS[things]
    thing = make(ada)
    address = f"{API}/{things}/{thing[name]}"
    if_match = {"If-Match": f'"{thing["version"]}"'}
    before = client.get(address).json(), client.get(f"{API}/ledger").json()

    said: list[dict[str, Any]] = [as_patched(things, thing), {}]
    answers = [ada.patch(address, json=values, headers=if_match) for values in said]

    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, thing["version"])] * 2
    assert (client.get(address).json(), client.get(f"{API}/ledger").json()) == before
    revised = ada.patch(address, json=REVISED[things], headers=if_match)
    assert (revised.status_code, revised.json()["version"]) == (200, thing["version"] + 1)


def test_a_planned_step_that_stays_the_same_is_not_told(ada, client):
    ref = a_demand(ada)["ref"]
    step = {"title": "A hearing", "planned_on": "2026-01", "done_on": None}
    milestone = made(ada, f"demands/{ref}/milestones", step)
    before = client.get(f"{API}/ledger").json()

    again = ada.patch(f"{API}/demands/{ref}/milestones/{milestone['id']}", json=step)

    assert (again.status_code, again.json()) == (200, milestone)
    assert client.get(f"{API}/ledger").json() == before
