"""Addresses: of what was just made, of the API itself, and refs however they are typed."""

from typing import Any

from tests.factories import API, a_draft, made, publish, read, refs

NEW: dict[str, dict[str, Any]] = {
    "campaigns": {"slug": "first", "prefix": "FIRST", "name": "First", "languages": ["en"], "review_interval_days": 90},
    "kinds": {"slug": "first", "label": {"en": "First"}},
    "bodies": {"slug": "first", "name": "First"},
    "organizations": {"slug": "first", "name": "First"},
    "sources": {"slug": "first", "title": "First", "kind": "news", "url": "https://news.example/first"},
}


def test_what_was_made_is_answered_with_its_address_and_its_version(ada):
    for path, new in NEW.items():
        answer = ada.post(f"{API}/{path}", json=new, headers={"Idempotency-Key": path})
        again = ada.post(f"{API}/{path}", json=new, headers={"Idempotency-Key": path})

        assert (answer.status_code, answer.headers["Location"]) == (201, f"{API}/{path}/first")
        found = ada.get(answer.headers["Location"])
        assert found.headers["ETag"] == answer.headers["ETag"] == again.headers["ETag"], path
        revised = ada.patch(f"{API}/{path}/first", json={}, headers={"If-Match": answer.headers["ETag"]})
        assert revised.status_code == 200, path


def test_a_source_that_is_there_is_answered_with_its_address(ada):
    made(ada, "sources", NEW["sources"])

    found = ada.post(f"{API}/sources", json={**NEW["sources"], "slug": "second"})

    assert (found.status_code, found.headers["Location"]) == (200, f"{API}/sources/first")


def test_the_address_of_the_api_leads_to_its_documentation(client):
    for path in (API, f"{API}/"):
        answer = client.get(path)
        assert (answer.status_code, answer.url.path) == (200, "/api/docs")


def test_a_ref_may_be_typed_in_small_letters(ada, client, eve):
    ref, other = (a_draft(ada)["ref"] for _ in range(2))
    small = ref.lower()
    assert small != ref

    publish(ada, small)
    made(ada, f"demands/{small}/updates", {"text": "It moved.", "on": "2024"})
    made(ada, f"demands/{other}/relations", {"to": small, "type": "part_of"})
    itself = ada.post(f"{API}/demands/{small}/relations", json={"to": ref, "type": "part_of"})
    webhook = made(eve, "webhooks", {"url": "https://127.0.0.1/hook", "filters": {"demand": [small]}})

    assert read(client, small) == read(client, ref)
    assert refs(client, q=small) == [ref]
    assert (itself.status_code, itself.json()["errors"][0]["where"]) == (422, "body.to")
    told = client.get(f"{API}/events", params={"demand": small}).json()["items"]
    assert {event["demand"] for event in told} == {ref}
    assert webhook["filters"]["demand"] == [ref]
    assert client.get(f"{API}/demands/{small}/feed.atom").status_code == 200
