"""What is recorded of a demand besides its status: progress, answers, counts, steps, evidence."""

import pytest

from tests.factories import API, a_body, a_demand, a_draft, a_source, change, made, read
from tests.racing import at_once


def record(client, ref, what, **new):
    return client.post(f"{API}/demands/{ref}/{what}", json=new)


def listed(client, ref, what, **query):
    answer = client.get(f"{API}/demands/{ref}/{what}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def wrong(answer):
    """Where the first wrong value of a refused request stood."""
    assert answer.status_code == 422, answer.text
    return answer.json()["errors"][0]["where"]


@pytest.fixture
def target(ada, common):
    """The one body that the demands in common are addressed to."""
    return common["targets"][0]["body"]


def test_an_update_tells_of_progress_and_changes_no_status(ada, client, common, evidence):
    ref = a_demand(ada, **common)["ref"]
    before = read(client, ref)

    update = record(ada, ref, "updates", text="Talks began.", on="2024-01", citations=evidence).json()

    assert (update["text"], update["on"], update["organization"]) == ("Talks began.", "2024-01", "ada-org")
    assert [c["cited_for_id"] for c in update["citations"]] == [update["id"]]
    after = read(client, ref)
    assert (after["status"], after["version"]) == ("open", before["version"] + 1)
    assert listed(client, ref, "updates") == [update]


def test_dated_records_are_listed_newest_first_whatever_came_in_first(ada, common):
    ref = a_draft(ada, indicator={"name": "Visits", "unit": "visits"}, **common)["ref"]
    days = ["2023-05-02", "2024-01", "2023", "2024-01-15", "2023-05"]
    for number, day in enumerate(days):
        record(ada, ref, "updates", text=day, on=day)
        record(ada, ref, "readings", value=number, on=day)

    newest_first = ["2024-01-15", "2024-01", "2023-05-02", "2023-05", "2023"]
    for what in ("updates", "readings"):
        first = ada.get(f"{API}/demands/{ref}/{what}", params={"limit": 3})
        second = ada.get(first.links["next"]["url"])
        assert [item["on"] for item in first.json()["items"] + second.json()["items"]] == newest_first
        assert second.json()["next_cursor"] is None


def test_the_newest_response_of_a_target_stands(ada, client, common, target, evidence):
    ref = a_demand(ada, **common)["ref"]

    def answered(response, day):
        made_now = record(ada, ref, "responses", body=target, response=response, on=day, citations=evidence)
        assert made_now.status_code == 201, made_now.text
        standing = read(client, ref)["targets"][0]
        return standing["response"], standing["response_on"]

    assert read(client, ref)["targets"][0]["response"] == "none"
    assert answered("acknowledged", "2024-01-10") == ("acknowledged", "2024-01-10")
    assert answered("rejected", "2023-11-02") == ("acknowledged", "2024-01-10")
    assert answered("supported", "2024-01") == ("acknowledged", "2024-01-10")
    assert answered("supported", "2024-01-10") == ("supported", "2024-01-10")
    assert answered("referred_elsewhere", "2024-02") == ("referred_elsewhere", "2024-02")
    said = [(r["response"], r["on"]) for r in listed(client, ref, "responses")]
    assert said[0] == ("referred_elsewhere", "2024-02")
    assert said[-1] == ("rejected", "2023-11-02")
    assert read(client, ref)["status"] == "open"


def test_each_target_has_its_own_response(ada, evidence):
    bodies = [a_body(ada)["slug"] for _ in range(2)]
    ref = a_draft(ada, targets=[{"body": body, "role": "decides"} for body in bodies])["ref"]

    record(ada, ref, "responses", body=bodies[1], response="noted", on="2024", says="Noted it.", citations=evidence)

    assert [(t["response"], t["response_on"]) for t in read(ada, ref)["targets"]] == [("none", None), ("noted", "2024")]
    (response,) = listed(ada, ref, "responses")
    assert (response["body"], response["says"]) == (bodies[1], "Noted it.")


def test_a_response_needs_a_target_and_a_place_where_it_is_written(ada, common, target, evidence, ledger_end):
    ref = a_draft(ada, **common)["ref"]
    new = {"body": target, "response": "noted", "on": "2024-01-01", "citations": evidence}
    other = a_body(ada)["slug"]
    before = ledger_end()

    assert wrong(record(ada, ref, "responses", **{**new, "body": other})) == "body.body"
    assert wrong(record(ada, ref, "responses", **{**new, "body": "nobody"})) == "body.body"
    assert wrong(record(ada, ref, "responses", **{**new, "citations": []})) == "body.citations"
    assert wrong(record(ada, ref, "responses", **{**new, "response": "agreed"})) == "body.response"
    assert wrong(record(ada, ref, "responses", **{**new, "on": "2999"})) == "body.on"
    unknown = [*evidence, {"source": "nowhere", "stance": "states"}]
    assert wrong(record(ada, ref, "responses", **{**new, "citations": unknown})) == "body.citations.1.source"
    assert ledger_end() == before


def test_the_newest_reading_stands_beside_the_indicator(ada, common):
    ref = a_draft(ada, indicator={"name": "Released", "unit": "people", "target": 55}, **common)["ref"]

    def latest(value, day):
        assert record(ada, ref, "readings", value=value, on=day).status_code == 201
        indicator = read(ada, ref)["indicator"]
        return indicator["latest"], indicator["latest_on"]

    assert latest(32, "2023-12-13") == (32, "2023-12-13")
    assert latest(10, "2023-12") == (32, "2023-12-13")
    assert latest(36.5, "2024-03") == (36.5, "2024-03")
    assert latest(-1, "2024-03") == (-1, "2024-03")
    assert [r["value"] for r in listed(ada, ref, "readings")] == [-1, 36.5, 32, 10]


def test_milestones_are_planned_in_order_and_reached(ada, client, common):
    ref = a_demand(ada, **common)["ref"]
    first = record(ada, ref, "milestones", title="Letter sent", done_on="2024-01").json()
    second = record(ada, ref, "milestones", title="Visit", planned_on="2024-06").json()
    address = f"{API}/demands/{ref}/milestones/{second['id']}"

    moved = ada.patch(address, json={"planned_on": "2025"}).json()
    reached = ada.patch(address, json={"done_on": "2024-02-01"}).json()
    undone = ada.patch(address, json={"done_on": None}).json()

    assert (moved["title"], moved["planned_on"], moved["done_on"]) == ("Visit", "2025", None)
    assert (reached["planned_on"], reached["done_on"], undone["done_on"]) == ("2025", "2024-02-01", None)
    assert listed(client, ref, "milestones") == [first, undone]
    told = [e["type"] for e in client.get(f"{API}/events", params={"demand": ref}).json()["items"]]
    assert told[-3:] == ["demand.milestone_revised", "demand.milestone_reached", "demand.milestone_revised"]


def test_a_milestone_belongs_to_its_demand(ada, common):
    ref, other = a_draft(ada, **common)["ref"], a_draft(ada, **common)["ref"]
    step = record(ada, ref, "milestones", title="Visit").json()

    elsewhere = ada.patch(f"{API}/demands/{other}/milestones/{step['id']}", json={"title": "Mine"})

    assert elsewhere.status_code == 404
    assert wrong(ada.patch(f"{API}/demands/{ref}/milestones/{step['id']}", json={"title": None})) == "body.title"
    assert wrong(ada.patch(f"{API}/demands/{ref}/milestones/{step['id']}", json={"done_on": "2999"})) == "body.done_on"
    assert listed(ada, ref, "milestones") == [step]


def test_steps_that_are_planned_at_once_all_have_their_place(ada, common):
    ref = a_draft(ada, **common)["ref"]

    answers = at_once([lambda: record(ada, ref, "milestones", title="Visit")] * 4)

    assert [answer.status_code for answer in answers] == [201] * 4
    assert read(ada, ref)["version"] == 5


def test_all_evidence_is_listed_oldest_first_and_says_what_it_is_for(ada, client, common, target, evidence):
    ref = a_demand(ada, indicator={"name": "Visits", "unit": "visits"}, **common)["ref"]
    place = {
        "locator": "p. 4",
        "quote": "has asked",
        "translation": "a demandé",
        "note": "Asks.",
        "claimed_on": "2023-10",
    }
    record(ada, ref, "citations", source=evidence[0]["source"], stance="states", **place)
    change(ada, ref, "in_progress", citations=evidence)
    record(ada, ref, "responses", body=target, response="noted", on="2024", citations=evidence)
    record(ada, ref, "readings", value=1, on="2024", citations=evidence)
    record(ada, ref, "updates", text="Progress.", on="2024", citations=evidence)

    citations = listed(client, ref, "citations")

    assert [c["cited_for"] for c in citations] == ["demand", "status_change", "response", "reading", "update"]
    assert {name: citations[0][name] for name in place} == place
    assert (citations[0]["cited_for_id"], citations[0]["organization"]) == (None, "ada-org")
    assert citations[0]["source"] == {
        name: client.get(f"{API}/sources/{evidence[0]['source']}").json()[name] for name in citations[0]["source"]
    }
    assert read(client, ref, include="citations")["citations"] == citations


def test_a_source_for_staff_takes_its_citations_along(ada, client, common):
    ref = a_demand(ada, **common)["ref"]
    secret = a_source(ada, audience="staff", title="Minutes of a closed meeting")["slug"]
    record(ada, ref, "citations", source=secret, stance="states", note="Said behind closed doors.")
    change(ada, ref, "in_progress", citations=[{"source": secret, "stance": "supports"}])
    record(ada, ref, "updates", text="Progress.", on="2024", citations=[{"source": secret, "stance": "states"}])

    assert len(listed(ada, ref, "citations")) == 3
    assert listed(client, ref, "citations") == []
    assert listed(client, ref, "status-changes")[0]["citations"] == []
    assert listed(client, ref, "updates")[0]["citations"] == []
    everything = "".join(
        client.get(f"{API}/{path}").text
        for path in ("events", f"demands/{ref}?include=citations,history", f"demands/{ref}/history", "demands.ndjson")
    )
    assert secret not in everything
    assert "closed" not in everything
    refused = client.get(f"{API}/demands", params={"source": secret})
    assert wrong(refused) == "query.source"


def test_recording_is_for_campaigners(ada, client, client_for, common, target, evidence):
    ref = a_demand(ada, indicator={"name": "Visits", "unit": "visits"}, **common)["ref"]
    other = a_demand(ada, **common)["ref"]
    new = {
        "updates": {"text": "Progress.", "on": "2024"},
        "responses": {"body": target, "response": "noted", "on": "2024", "citations": evidence},
        "readings": {"value": 1, "on": "2024"},
        "milestones": {"title": "Visit"},
        "citations": evidence[0],
        "relations": {"to": other, "type": "related"},
    }
    clients = [client, *map(client_for, ("viewer", "partner", "campaigner"))]

    for what, values in new.items():
        assert [record(one, ref, what, **values).status_code for one in clients] == [401, 403, 403, 201], what
        assert record(ada, "NOWHERE-1", what, **values).status_code == 404
        assert made(ada, f"demands/{other}/updates", {"text": "x", "on": "2024"})
