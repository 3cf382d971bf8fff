"""A source that contradicts marks a status as disputed, and changes nothing else."""

from app.ledger.verifying import verify
from app.models import ledgered_tables
from tests.factories import API, a_demand, a_draft, a_source, change, made, read, refs


def cite(client, ref, stance, **values):
    citation = {"source": a_source(client)["slug"], "stance": stance, **values}
    return client.post(f"{API}/demands/{ref}/citations", json=citation)


def disputed_changes(client, ref):
    """Newest first."""
    return [c["disputed"] for c in client.get(f"{API}/demands/{ref}/status-changes").json()["items"]]


def test_a_contradiction_disputes_how_a_demand_stands_and_leaves_its_status_alone(ada, client):
    ref = a_demand(ada, "met")["ref"]
    before = read(client, ref)

    assert cite(ada, ref, "contradicts").status_code == 201

    after = read(client, ref)
    assert (before["disputed"], after["disputed"]) == (False, True)
    for member in ("status", "status_since", "verification", "confidence"):
        assert after[member] == before[member]
    assert disputed_changes(client, ref) == [True, False]
    assert (refs(client, disputed="true"), refs(client, disputed="false")) == ([ref], [])


def test_other_stances_dispute_nothing(ada):
    ref = a_draft(ada)["ref"]

    for stance in ("states", "supports", "context"):
        cite(ada, ref, stance)

    assert read(ada, ref)["disputed"] is False


def test_a_contradiction_of_an_earlier_change_disputes_that_change_only(ada):
    ref = a_draft(ada)["ref"]
    earlier = change(ada, ref, "in_progress")
    change(ada, ref, "met")

    cite(ada, ref, "contradicts", status_change=earlier["id"])

    assert disputed_changes(ada, ref) == [False, True, False]
    assert read(ada, ref)["disputed"] is False


def test_a_contradiction_of_the_standing_change_disputes_the_demand(ada):
    ref = a_draft(ada)["ref"]
    met = change(ada, ref, "met")

    cited = cite(ada, ref, "contradicts", status_change=met["id"]).json()

    assert (cited["cited_for"], cited["cited_for_id"]) == ("status_change", met["id"])
    assert read(ada, ref)["disputed"] is True


def test_a_change_can_come_disputed_and_the_next_one_is_not(ada):
    ref = a_draft(ada)["ref"]
    citations = [{"source": a_source(ada)["slug"], "stance": stance} for stance in ("supports", "contradicts")]

    met = change(ada, ref, "met", citations=citations)
    disputed = read(ada, ref)["disputed"]
    change(ada, ref, "reversed")

    assert (met["disputed"], disputed) == (True, True)
    assert read(ada, ref)["disputed"] is False
    assert disputed_changes(ada, ref) == [False, True, False]


def test_a_contradiction_in_a_note_of_progress_disputes_no_status(ada):
    ref = a_draft(ada)["ref"]
    citations = [{"source": a_source(ada)["slug"], "stance": "contradicts"}]

    made(ada, f"demands/{ref}/updates", {"text": "Two tellings.", "on": "2024-01-01", "citations": citations})

    assert read(ada, ref)["disputed"] is False


def test_a_change_of_another_demand_cannot_be_cited_for(ada, ledger_end):
    ref, other = a_draft(ada)["ref"], a_draft(ada)["ref"]
    change_of_other = ada.get(f"{API}/demands/{other}/status-changes").json()["items"][0]["id"]
    source = a_source(ada)["slug"]
    before = ledger_end()

    for change_id in (change_of_other, "019aa1b2-0000-7000-8000-000000000000"):
        citation = {"source": source, "stance": "contradicts", "status_change": change_id}
        refused = ada.post(f"{API}/demands/{ref}/citations", json=citation)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.status_change")

    assert ledger_end() == before


def test_a_dispute_is_told_to_those_who_follow(ada, client):
    ref = a_demand(ada, "met")["ref"]

    cite(ada, ref, "contradicts", note="The mission was turned back.")

    event = client.get(f"{API}/events", params={"types": "demand.cited"}).json()["items"][-1]
    assert (event["demand"], event["data"]["demand"]["disputed"]) == (ref, True)
    assert event["data"]["citation"]["note"] == "The mission was turned back."


def test_evidence_for_fewer_readers_leaves_no_trace_in_what_the_others_see(ada, eve, client, database):
    ref = a_demand(ada, "met")["ref"]
    seen = [
        client.get(f"{API}/demands/{ref}", params={"include": "citations,history"}).json() for client in (client, eve)
    ]
    secret = a_source(ada, audience="staff")["slug"]

    for stance in ("supports", "contradicts"):
        made(ada, f"demands/{ref}/citations", {"source": secret, "stance": stance})

    for reader, before in zip((client, eve), seen, strict=True):
        assert read(reader, ref, include="citations,history") == before
    assert disputed_changes(ada, ref) == [False, False]
    assert {citation["source"]["slug"] for citation in read(ada, ref, include="citations")["citations"]} >= {secret}
    assert verify(database, ledgered_tables()).problems == []


def test_a_contradiction_that_partners_may_see_disputes_what_is_for_partners(ada, eve):
    ref = a_demand(ada, "met", audience="partners")["ref"]

    made(
        ada, f"demands/{ref}/citations", {"source": a_source(ada, audience="partners")["slug"], "stance": "contradicts"}
    )

    assert read(eve, ref)["disputed"] is True


def test_a_change_comes_disputed_only_by_what_its_readers_may_see(ada):
    hidden = {"source": a_source(ada, audience="staff")["slug"], "stance": "contradicts"}
    shown = {"source": a_source(ada)["slug"], "stance": "supports"}
    opening = {"effective_on": "2023-09-28", "reason": "Made.", "citations": [hidden]}
    ref = a_draft(ada, opening=opening)["ref"]

    change(ada, ref, "met", citations=[shown, hidden])

    assert disputed_changes(ada, ref) == [False, False]


def test_showing_a_demand_to_more_or_fewer_settles_its_disputes_by_what_they_may_see(ada, client, database):
    ref = a_demand(ada, audience="staff")["ref"]
    secret = a_source(ada, audience="staff")["slug"]
    met = change(ada, ref, "met")
    made(ada, f"demands/{ref}/citations", {"source": secret, "stance": "contradicts", "status_change": met["id"]})
    made(ada, f"demands/{ref}/citations", {"source": secret, "stance": "contradicts"})
    before = disputed_changes(ada, ref)

    def show_to(audience):
        ada.patch(f"{API}/demands/{ref}", json={"audience": audience}, headers={"If-Match": "*"})

    show_to("public")
    public, shown = disputed_changes(client, ref), read(client, ref)["disputed"]
    show_to("staff")

    assert (before, public, shown) == ([True, False], [False, False], False)
    assert (disputed_changes(ada, ref), read(ada, ref)["disputed"]) == ([True, False], True)
    assert verify(database, ledgered_tables()).problems == []


def test_a_mark_says_what_its_readers_could_see_when_it_was_made(ada, client):
    ref = a_demand(ada, "met")["ref"]
    secret, shown = a_source(ada, audience="staff")["slug"], a_source(ada)["slug"]

    made(ada, f"demands/{ref}/citations", {"source": secret, "stance": "contradicts"})
    ada.patch(f"{API}/sources/{secret}", json={"audience": "public"})
    opened = read(client, ref)["disputed"]
    made(ada, f"demands/{ref}/citations", {"source": shown, "stance": "contradicts"})
    ada.patch(f"{API}/sources/{shown}", json={"audience": "staff"})

    assert (opened, read(client, ref)["disputed"]) == (False, True)
