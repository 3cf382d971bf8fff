"""The first campaign, as the API shows it, compared entry by entry with what its sources say."""

import datetime
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app import clock
from app.database import Database
from app.seeding import load
from tests.databases import KINDS, Store
from tests.factories import API

AppOn = Callable[[str], tuple[Store, FastAPI]]

EXPECTED: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "expectations" / "nagorno-karabakh.yaml").read_text(encoding="utf-8")
)


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.xdist_group(f"seed on {kind}")) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def seeded_on(app_on: AppOn) -> Callable[[str], FastAPI]:
    """Loaded once on each database: nothing here changes it."""

    @cache
    def seeded_on(kind: str) -> FastAPI:
        store, app = app_on(kind)
        store.empty(app.state.database)
        load(app.state.database)
        return app

    return seeded_on


@pytest.fixture
def app(kind: str, seeded_on: Callable[[str], FastAPI]) -> FastAPI:
    return seeded_on(kind)


@pytest.fixture
def seeded(client: TestClient) -> TestClient:
    return client


def test_every_entry_is_there_as_its_source_has_it(seeded: TestClient) -> None:
    assert _each(seeded, "bodies", EXPECTED["bodies"]) == len(EXPECTED["bodies"]) == 17
    assert _each(seeded, "organizations", EXPECTED["organizations"]) == len(EXPECTED["organizations"]) == 10
    assert _each(seeded, "sources", EXPECTED["sources"]) == len(EXPECTED["sources"]) == 27
    assert _each(seeded, "campaigns", [EXPECTED["campaign"]]) == 1

    demands = _all(seeded, "demands?sort=ref")

    assert [demand["ref"] for demand in demands] == [expected["ref"] for expected in EXPECTED["demands"]]
    for demand, expected in zip(demands, EXPECTED["demands"], strict=True):
        assert _facts_of(seeded, demand) == _normal(expected), demand["ref"]


def test_the_dates_are_those_of_the_sources_and_the_recording_is_of_today(seeded: TestClient) -> None:
    changes = _all(seeded, "demands/NK-3/status-changes")

    assert [change["effective_on"] for change in changes] == ["2023-10-01", "2023-09-29", "2023-09-23"]
    recorded = {datetime.datetime.fromisoformat(change["recorded_at"]) for change in changes}
    assert all(clock.now() - moment < datetime.timedelta(minutes=5) for moment in recorded)
    assert {demand["first_made_on"] for demand in _all(seeded, "demands?body=osapg")} == {"2022-12"}


def test_how_the_demands_stood_on_a_day_follows_their_history(seeded: TestClient) -> None:
    for day in ("2023-01-01", "2023-01-31", "2023-09-28", "2023-10-05", "2026-02-01"):
        stood = {demand["ref"]: demand["status"] for demand in _all(seeded, f"demands?as_of={day}")}

        assert stood == _standing_on(day), day


def test_met_is_only_claimed_until_somebody_verifies_it(seeded: TestClient) -> None:
    met = _all(seeded, "demands?status=met")

    assert [(demand["ref"], demand["verification"]) for demand in met] == [("NK-9", "claimed")]


def test_loading_twice_changes_nothing(seeded: TestClient, database: Database) -> None:
    before = seeded.get(f"{API}/ledger").json()

    again = load(database)

    assert again.demands == 0
    assert seeded.get(f"{API}/ledger").json() == before


def _each(client: TestClient, path: str, expected: list[dict[str, Any]]) -> int:
    """Compare what is expected of each; returns how many of them were found."""
    found = {item["slug"]: item for item in _all(client, path)}
    for entry in expected:
        item = found[entry["slug"]]
        for name, value in entry.items():
            shown = sorted(item[name]) if name == "issued_by" else item[name]
            assert shown == (sorted(value) if name == "issued_by" else value), (entry["slug"], name)
    return sum(entry["slug"] in found for entry in expected)


def _facts_of(client: TestClient, demand: dict[str, Any]) -> dict[str, Any]:
    """What the API says of a demand, in the form of the expectations."""
    ref = demand["ref"]
    indicator = demand["indicator"]
    return _normal(
        {
            "ref": ref,
            "kind": demand["kind"],
            "targets": [{"body": t["body"]["slug"], "role": t["role"]} for t in demand["targets"]],
            "issuers": [issuer["slug"] for issuer in demand["issuers"]],
            "first_made_on": demand["first_made_on"],
            "status": demand["status"],
            "disputed": demand["disputed"],
            "sensitivity": demand["sensitivity"],
            "citations": [
                _citation(citation)
                for citation in _all(client, f"demands/{ref}/citations")
                if citation["cited_for"] == "demand"
            ],
            "history": [
                {
                    "effective_on": change["effective_on"],
                    "to": change["to"],
                    "disputed": change["disputed"],
                    "citations": _brief(change["citations"]),
                }
                for change in _all(client, f"demands/{ref}/status-changes")
            ],
            "updates": [
                {"on": update["on"], "citations": _brief(update["citations"])}
                for update in _all(client, f"demands/{ref}/updates")
            ],
            "responses": [
                {
                    "body": response["body"],
                    "on": response["on"],
                    "response": response["response"],
                    "citations": _brief(response["citations"]),
                }
                for response in _all(client, f"demands/{ref}/responses")
            ],
            "indicator": indicator and {name: indicator[name] for name in ("name", "unit", "target")},
            "readings": [
                {"on": reading["on"], "value": reading["value"], "citations": _brief(reading["citations"])}
                for reading in _all(client, f"demands/{ref}/readings")
            ],
            "milestones": [step["title"] for step in _all(client, f"demands/{ref}/milestones")],
            "related": demand["related"],
        }
    )


def _normal(demand: dict[str, Any]) -> dict[str, Any]:
    """The order of entries has no meaning, except where they have dates; relations are told from both ends."""
    told = {**demand, "related": sorted(str(sorted(relation.items())) for relation in _both_ways(demand))}
    for name in ("targets", "issuers", "citations", "history", "updates", "responses", "readings"):
        told[name] = sorted((_sorted(item) for item in demand[name]), key=str)
    return told


def _both_ways(demand: dict[str, Any]) -> list[dict[str, Any]]:
    """What the expectations tell from one end only, told from this one."""
    ref = demand["ref"]
    inward = [
        {"ref": other["ref"], "type": relation["type"]}
        for other in EXPECTED["demands"]
        for relation in other["related"]
        if _end(relation) == ref
    ]
    outward = [{"ref": _end(relation), "type": relation["type"]} for relation in demand["related"]]
    return [dict(pairs) for pairs in {tuple(sorted(relation.items())) for relation in (*inward, *outward)}]


def _end(relation: dict[str, Any]) -> str:
    return str(relation.get("to") or relation["ref"])


def _sorted(item: Any) -> Any:
    if isinstance(item, dict) and "citations" in item:
        return {**item, "citations": sorted((_citation(citation) for citation in item["citations"]), key=str)}
    return _citation(item) if isinstance(item, dict) and "stance" in item else item


def _citation(citation: dict[str, Any]) -> dict[str, Any]:
    source = citation["source"]
    told = {"source": source["slug"] if isinstance(source, dict) else source, "stance": citation["stance"]}
    return told | ({"claimed_on": citation["claimed_on"]} if citation.get("claimed_on") else {})


def _brief(citations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the date that a source claims, which is expected of the demand's own citations."""
    return [{"source": citation["source"]["slug"], "stance": citation["stance"]} for citation in citations]


def _standing_on(day: str) -> dict[str, str]:
    """The last entry of each history that had taken effect: a coarser date counts from its first day."""
    stood = {}
    for demand in EXPECTED["demands"]:
        so_far = [entry for entry in demand["history"] if entry["effective_on"] <= day]
        if so_far:
            stood[demand["ref"]] = so_far[-1]["to"]
    return stood


def _all(client: TestClient, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    url = f"{API}/{path}{'&' if '?' in path else '?'}limit=200"
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        url = answer.links.get("next", {}).get("url", "")
    return items
