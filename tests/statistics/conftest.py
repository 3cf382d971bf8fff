"""What the tests of the statistics share: a day that is today, and things that many demands have in common."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import clock
from tests.factories import API, a_body, a_campaign, a_demand, a_kind, a_source, change, made

TODAY = "2024-03-15"


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> str:
    """It is noon on 15 March 2024, in UTC."""
    noon = datetime.datetime.fromisoformat(f"{TODAY}T12:00:00+00:00")
    monkeypatch.setattr(clock, "now", lambda: noon)
    return TODAY


@pytest.fixture
def common(ada: TestClient) -> dict[str, Any]:
    """What many demands can have in common: `a_demand(ada, **common)` takes fewer requests than `a_demand(ada)`."""
    return {
        "campaign": a_campaign(ada)["slug"],
        "kind": a_kind(ada)["slug"],
        "targets": [{"body": a_body(ada)["slug"], "role": "decides"}],
    }


@pytest.fixture
def evidence(ada: TestClient) -> list[dict[str, Any]]:
    """One citation that supports whatever it is sent with."""
    return [{"source": a_source(ada)["slug"], "stance": "supports"}]


@pytest.fixture
def met(ada: TestClient, bob: TestClient, common: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """Makes a demand that is met: as is claimed, or as Bob has verified."""

    def met(verified: bool, **values: Any) -> dict[str, Any]:
        demand = a_demand(ada, **{**common, **values})
        claim = change(ada, demand["ref"], "met")
        if verified:
            answer = bob.put(f"{API}/status-changes/{claim['id']}/verification", json={})
            assert answer.status_code == 200, answer.text
        return demand

    return met


@pytest.fixture
def respond(ada: TestClient, evidence: list[dict[str, Any]]) -> Callable[..., None]:
    """`respond(demand, "ocha", on="2023-12-01")`: what a target said."""

    def respond(demand: dict[str, Any], body: str, on: str, response: str = "noted") -> None:
        new = {"body": body, "response": response, "on": on, "citations": evidence}
        made(ada, f"demands/{demand['ref']}/responses", new)

    return respond


def targets(*bodies: str) -> list[dict[str, str]]:
    return [{"body": body, "role": "decides"} for body in bodies]


def figures(client: TestClient, what: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"{API}/statistics/{what}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def total(client: TestClient, **query: Any) -> int:
    """How many demands the list has."""
    answer = client.get(f"{API}/demands", params={**query, "include": "total", "limit": 1})
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["total"]
    return found
