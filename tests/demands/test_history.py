"""A demand's story: what happened to it, newest first, in sentences."""

from tests.factories import API, a_demand, a_draft, a_source, change, made, publish, read


def story(client, ref, **query):
    answer = client.get(f"{API}/demands/{ref}/history", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_everything_that_happened_is_told_newest_first(ada, bob, common, evidence):
    target = common["targets"][0]["body"]
    ref = a_draft(ada, deadline="2024-05", indicator={"name": "Released", "unit": "people", "target": 55}, **common)[
        "ref"
    ]
    other = a_draft(ada, **common)["ref"]
    ada.put(f"{API}/demands/{ref}/publication", json={"state": "in_review"})
    publish(ada, ref)
    ada.patch(f"{API}/demands/{ref}", json={"title": "Another title"}, headers={"If-Match": "*"})
    made(ada, f"demands/{ref}/updates", {"text": "Talks began.", "on": "2024-01"})
    answer = {
        "body": target,
        "response": "partly_supported",
        "on": "2024-01-05",
        "says": "In part.",
        "citations": evidence,
    }
    made(ada, f"demands/{ref}/responses", answer)
    made(ada, f"demands/{ref}/readings", {"value": 36, "on": "2024-01-06"})
    made(ada, f"demands/{ref}/milestones", {"title": "Visit"})
    made(ada, f"demands/{ref}/relations", {"to": other, "type": "related"})
    made(ada, f"demands/{ref}/citations", {"source": a_source(ada, title="A report")["slug"], "stance": "contradicts"})
    met = change(ada, ref, "met", effective_on="2024-02", reason="It arrived.")
    bob.put(f"{API}/status-changes/{met['id']}/verification", json={})
    change(ada, ref, "partially_met", kind="correction", effective_on="2024-02", reason="A part of it.")
    ada.put(f"{API}/demands/{ref}/publication", json={"state": "unpublished", "reason": "It named someone."})

    assert [entry["summary"] for entry in story(ada, ref)] == [
        "Taken from view: It named someone.",
        "Taken from view.",
        "Corrected to partially met in 2024-02: A part of it.",
        "A second person verified that it is met.",
        "Became met in 2024-02, claimed but not yet verified: It arrived.",
        "Evidence added (contradicts): A report",
        f"Related to {other}.",
        "Planned step: Visit",
        "Released: 36 of 55 people on 2024-01-06",
        f"Response of {target} on 2024-01-05, partly supported: In part.",
        "In 2024-01: Talks began.",
        "The record of the demand was revised.",
        "Published.",
        "Sent to review.",
        "Drafted.",
    ]


def test_things_happen_on_a_day_but_in_a_month_or_a_year(ada, common, evidence):
    target = common["targets"][0]["body"]
    ref = a_demand(ada, indicator={"name": "Released", "unit": "people"}, **common)["ref"]

    for date in ("2024", "2024-02", "2024-02-10"):
        change(ada, ref, "in_progress", kind="correction", effective_on=date, reason="It began.", citations=evidence)
        made(ada, f"demands/{ref}/updates", {"text": "Talks.", "on": date})
        made(ada, f"demands/{ref}/responses", {"body": target, "response": "noted", "on": date, "citations": evidence})
        made(ada, f"demands/{ref}/readings", {"value": 3, "on": date})

    told = [entry["summary"] for entry in reversed(story(ada, ref)) if "2024" in entry["summary"]]
    assert told == [
        sentence
        for when in ("in 2024", "in 2024-02", "on 2024-02-10")
        for sentence in (
            f"Corrected to in progress {when}: It began.",
            f"{when.capitalize()}: Talks.",
            f"Response of {target} {when}, noted",
            f"Released: 3 people {when}",
        )
    ]


def test_a_story_is_read_page_by_page(ada, common):
    ref = a_draft(ada, **common)["ref"]
    other = a_draft(ada, **common)["ref"]
    made(ada, f"demands/{other}/updates", {"text": "elsewhere", "on": "2024"})
    for number in range(4):
        made(ada, f"demands/{ref}/updates", {"text": str(number), "on": "2024"})

    first = ada.get(f"{API}/demands/{ref}/history", params={"limit": 2})
    second = ada.get(first.links["next"]["url"])
    third = ada.get(second.links["next"]["url"])

    pages = [[entry["summary"] for entry in answer.json()["items"]] for answer in (first, second, third)]
    assert pages == [["In 2024: 3", "In 2024: 2"], ["In 2024: 1", "In 2024: 0"], ["Drafted."]]
    assert third.json()["next_cursor"] is None
    assert "Link" not in third.headers
    cursor = first.json()["next_cursor"]
    elsewhere = ada.get(f"{API}/demands/{other}/history", params={"cursor": cursor})
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["where"]) == (422, "query.cursor")


def test_the_public_reads_what_concerns_it(ada, client, common):
    ref = a_draft(ada, **common)["ref"]
    ada.put(f"{API}/demands/{ref}/publication", json={"state": "in_review"})
    change(ada, ref, "in_progress", internal_note="Ask K. again.")
    publish(ada, ref)

    told = story(client, ref)

    assert [entry["type"] for entry in told] == ["demand.published", "demand.status_changed"]
    assert {entry["organization"] for entry in told} == {"ada-org"}
    assert "Ask K. again." not in str(told)
    assert [entry["type"] for entry in story(ada, ref)][-2:] == ["demand.sent_to_review", "demand.created"]
    assert read(client, ref, include="history")["history"] == told


def test_an_entry_is_the_event_of_the_feed(ada, client, common):
    ref = a_demand(ada, "in_progress", **common)["ref"]

    told = story(client, ref)

    events = client.get(f"{API}/events", params={"demand": ref}).json()["items"]
    same = ("seq", "id", "type", "recorded_at", "data")
    assert [{name: entry[name] for name in same} for entry in told] == [
        {name: event[name] for name in same} for event in reversed(events)
    ]


def test_a_demand_that_is_not_there_has_no_story(ada):
    assert ada.get(f"{API}/demands/NOWHERE-1/history").status_code == 404
