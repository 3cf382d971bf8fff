"""What a draft says may be thought better of; nobody learns of it afterwards."""

from fastapi.testclient import TestClient

from app.database import Database
from app.demands.timekeeping import tick
from tests.factories import API, a_draft, change, made, publish

SECOND_THOUGHTS: dict[str, object] = {"tags": [], "indicator": None, "deadline": None, "title": "A mission"}


def test_what_a_draft_said_of_itself_is_not_told_when_it_is_published(ada: TestClient, client: TestClient) -> None:
    indicator = {"name": "Jane Doe freed", "unit": "people"}
    ref = a_draft(ada, tags=["informant-jane"], indicator=indicator, deadline="2031-05", title="Of Jane")["ref"]
    change(ada, ref, "in_progress", reason="It began.")
    ada.patch(f"{API}/demands/{ref}", json=SECOND_THOUGHTS, headers={"If-Match": "*"}).raise_for_status()
    publish(ada, ref)

    events = client.get(f"{API}/events", params={"demand": ref})
    found = client.get(f"{API}/events", params={"tag": "informant-jane"})
    told = client.get(f"{API}/demands/{ref}/history").text

    assert "It began." in events.text
    assert not any(word in events.text + told for word in ("Jane", "jane", "2031-05"))
    assert found.json()["items"] == []


def test_a_contradicting_citation_disputes_how_the_demand_stands_from_its_opening_on(ada: TestClient) -> None:
    source = made(ada, "sources", {"title": "A denial", "kind": "news"})["slug"]
    opening = {
        "effective_on": "2023-09-28",
        "reason": "A letter asks for it.",
        "citations": [{"source": source, "stance": "contradicts"}],
    }

    assert a_draft(ada, opening=opening)["disputed"] is True


def test_a_single_demand_refuses_words_that_only_the_list_knows(ada: TestClient) -> None:
    ref = a_draft(ada)["ref"]

    assert ada.get(f"{API}/demands/{ref}", params={"as_of": "2020-01-01"}).status_code == 422
    assert ada.get(f"{API}/demands/{ref}", params={"include": "total"}).status_code == 422


def test_what_time_does_to_a_draft_is_for_staff_only(ada: TestClient, client: TestClient, database: Database) -> None:
    ref = a_draft(ada, deadline="2024-05")["ref"]
    tick(database)
    publish(ada, ref)

    told = client.get(f"{API}/demands/{ref}/history")

    assert [entry["type"] for entry in told.json()["items"]] == ["demand.published"]
    assert "demand.overdue" in ada.get(f"{API}/demands/{ref}/history").text
