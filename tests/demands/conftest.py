"""What the tests of the demands share: a clock to set, evidence, a look at the ledger's end, a refusal."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import clock
from tests.factories import API, a_body, a_campaign, a_kind, a_source


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets it be another moment: `set_clock("2024-03-15")` or `set_clock("2024-03-15T10:00:00")`, in UTC."""

    def set_clock(moment: str) -> None:
        now = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.UTC)
        monkeypatch.setattr(clock, "now", lambda: now)

    return set_clock


@pytest.fixture
def common(ada: TestClient) -> dict[str, Any]:
    """What many demands can have in common: `a_draft(ada, **common)` is one request where `a_draft(ada)` is four."""
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
def ledger_end(client: TestClient) -> Callable[[], Any]:
    """Where the ledger ends now: the same as before means that nothing has changed."""
    return lambda: client.get(f"{API}/ledger").json()


@pytest.fixture
def new(common):
    """A demand that could be made."""
    return {**common, "title": "A mission", "asks": "To see for itself.", "first_made_on": "2023"}


@pytest.fixture
def refuses(ada, ledger_end):
    """`refuses("POST", "demands", body, 422)`: gives the problem, after making sure that nothing was changed."""

    def refuses(method, path, body, status, **options):
        before = ledger_end()
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "If-Match": "*", **options}
        answer = ada.request(method, f"{API}/{path}", content=sent, headers=headers)
        assert answer.status_code == status, f"{method} {path} {str(body)[:200]}: {answer.text}"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert ledger_end() == before
        problem = answer.json()
        assert problem["status"] == status
        assert problem["type"].startswith("/problems/")
        return problem

    return refuses
