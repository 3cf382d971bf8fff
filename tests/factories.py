"""Things to test with, made through the API by whoever's client is given. Each call makes a new one."""

from itertools import count
from typing import Any

from fastapi.testclient import TestClient

API = "/api/v1"
_numbers = count(1)


def a_campaign(client: TestClient, **values: Any) -> dict[str, Any]:
    number = next(_numbers)
    new = {
        "slug": f"campaign-{number}",
        "prefix": f"C{number}",
        "name": f"Campaign {number}",
        "languages": ["en"],
        "review_interval_days": 90,
    }
    return made(client, "campaigns", {**new, **values})


def a_kind(client: TestClient, **values: Any) -> dict[str, Any]:
    number = next(_numbers)
    return made(client, "kinds", {"slug": f"kind-{number}", "label": {"en": f"Kind {number}"}, **values})


def a_body(client: TestClient, **values: Any) -> dict[str, Any]:
    number = next(_numbers)
    return made(client, "bodies", {"slug": f"body-{number}", "name": f"Body {number}", **values})


def an_organization(client: TestClient, **values: Any) -> dict[str, Any]:
    number = next(_numbers)
    return made(client, "organizations", {"slug": f"org-{number}", "name": f"Organization {number}", **values})


def a_source(client: TestClient, **values: Any) -> dict[str, Any]:
    number = next(_numbers)
    new = {
        "slug": f"source-{number}",
        "title": f"Source {number}",
        "kind": "news",
        "url": f"https://news.example/{number}",
    }
    return made(client, "sources", {**new, **values})


def a_draft(client: TestClient, **values: Any) -> dict[str, Any]:
    """A draft; campaign, kind and one target are made for it unless they are given."""
    new: dict[str, Any] = {
        "title": "A mission to see for itself",
        "asks": "The body is asked to send a mission.",
        "first_made_on": "2023-09-28",
    }
    new["campaign"] = values.pop("campaign", None) or a_campaign(client)["slug"]
    new["kind"] = values.pop("kind", None) or a_kind(client)["slug"]
    new["targets"] = values.pop("targets", None) or [{"body": a_body(client)["slug"], "role": "decides"}]
    return made(client, "demands", {**new, **values})


def a_demand(client: TestClient, status: str = "open", **values: Any) -> dict[str, Any]:
    """A published demand that stands as `status`; the client must be an editor's."""
    draft = a_draft(client, **values)
    publish(client, draft["ref"])
    if status == "stalled":
        change(client, draft["ref"], "in_progress")
    if status != "open":
        change(client, draft["ref"], status)
    return read(client, draft["ref"])


def publish(client: TestClient, ref: str, **values: Any) -> dict[str, Any]:
    answer = client.put(f"{API}/demands/{ref}/publication", json={"state": "published", **values})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def change(client: TestClient, ref: str, to: str, **values: Any) -> dict[str, Any]:
    """A status change with what it needs: evidence, and a successor for `superseded`."""
    return made(client, f"demands/{ref}/status-changes", change_to(client, to, **values))


def change_to(client: TestClient, to: str, **values: Any) -> dict[str, Any]:
    """What to post for a change to a status."""
    new: dict[str, Any] = {"to": to, "effective_on": "2024-02-01", "reason": f"It became {to}."}
    if "citations" not in values:
        new["citations"] = [{"source": a_source(client)["slug"], "stance": "supports"}]
    if to == "superseded" and "successor" not in values:
        new["successor"] = a_draft(client)["ref"]
    return {**new, **values}


def read(client: TestClient, ref: str, **query: Any) -> dict[str, Any]:
    answer = client.get(f"{API}/demands/{ref}", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refs(client: TestClient, **query: Any) -> list[str]:
    """The refs of the list of demands, in its order."""
    answer = client.get(f"{API}/demands", params=query)
    assert answer.status_code == 200, answer.text
    return [item["ref"] for item in answer.json()["items"]]


def made(client: TestClient, path: str, new: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"{API}/{path}", json=new)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body
