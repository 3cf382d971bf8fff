"""What a reader of the feed may no longer see goes from the old entries too, and a notice says that it went."""

import feedparser  # type: ignore[import-untyped]
import pytest

from tests.factories import (
    API,
    a_demand,
    a_draft,
    a_source,
    an_organization,
    change,
    made,
    publish,
    read,
)

WAYS = ("events", "feed.atom", "feed.json")


@pytest.fixture
def partner(client_for):
    return client_for("partner", "bob-org")


def about(client, ref):
    """What is told of the demand; that a source was taken from view reaches every follower."""
    told = client.get(f"{API}/events", params={"demand": ref, "limit": 200}).json()["items"]
    return [event for event in told if event["demand"] == ref]


def newest(client):
    return client.get(f"{API}/events", params={"limit": 200}).json()["items"]


def types(client, ref):
    return [event["type"] for event in about(client, ref)]


def narrow(client, kind, name, audience):
    version = client.get(f"{API}/{kind}/{name}").json()["version"]
    answer = client.patch(f"{API}/{kind}/{name}", json={"audience": audience}, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


def unpublish(client, ref):
    answer = client.put(
        f"{API}/demands/{ref}/publication", json={"state": "unpublished", "reason": "It named someone."}
    )
    assert answer.status_code == 200, answer.text


def test_a_draft_s_story_is_told_when_it_is_published_but_not_what_the_draft_once_said(ada, client):
    ref = a_draft(ada, title="A word too much", asks="Far too many words.", counts_as_met="Too much")["ref"]
    change(ada, ref, "in_progress")
    version = f'"{read(ada, ref)["version"]}"'
    better = {"title": "A better word", "asks": "Fewer words.", "counts_as_met": None}
    ada.patch(f"{API}/demands/{ref}", json=better, headers={"If-Match": version})
    assert about(client, ref) == []

    publish(ada, ref)

    assert types(client, ref) == ["demand.status_changed", "demand.published"]
    assert "too m" not in str(about(client, ref)).lower()
    assert about(client, ref)[-1]["data"]["demand"]["title"] == "A better word"
    history = client.get(f"{API}/demands/{ref}/history").json()["items"]
    assert [entry["type"] for entry in history] == ["demand.published", "demand.status_changed"]


@pytest.mark.parametrize("way", WAYS)
def test_what_only_staff_are_told_of_can_be_followed_by_nobody_else(client, way):
    refused = client.get(f"{API}/{way}", params={"types": ["demand.created", "demand.published"]})

    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"where": "query.types", "what": "only staff are told of demand.created"}]


def test_a_demand_taken_from_view_leaves_a_notice_and_nothing_else(ada, partner, client):
    ref = a_demand(ada, status="in_progress", title="Secret from now on")["ref"]

    unpublish(ada, ref)

    for outsider in (partner, client):
        notice = about(outsider, ref)
        assert [(event["type"], event["data"]) for event in notice] == [
            ("demand.unpublished", {"demand": {"ref": ref}})
        ]
    assert set(types(ada, ref)) > {"demand.created", "demand.taken_down", "demand.unpublished"}


def test_the_feed_of_a_demand_taken_from_view_tells_its_readers_and_nobody_else(ada, partner, client):
    public, hidden = a_demand(ada, title="Secret from now on")["ref"], a_demand(ada, audience="partners")["ref"]
    before = client.get(f"{API}/demands/{public}/feed.json").headers["etag"]

    unpublish(ada, public)
    unpublish(ada, hidden)

    def feed(reader, ref):
        return reader.get(f"{API}/demands/{ref}/feed.json", headers={"If-None-Match": before})

    for reader, ref in ((client, public), (partner, public), (partner, hidden)):
        assert [item["title"] for item in feed(reader, ref).json()["items"]] == [f"{ref}: Taken from view."]
        assert feed(reader, ref).json()["title"] == f"Demand Tracker – {ref}"
        assert "Secret" not in feed(reader, ref).text
    never = feed(client, "NO-1")
    assert feed(client, hidden).status_code == never.status_code == 404
    assert feed(client, hidden).text.replace(hidden, "NO-1") == never.text


def test_a_notice_leads_nowhere_while_what_it_tells_of_is_hidden(ada, client):
    ref, source = a_demand(ada)["ref"], a_source(ada)["slug"]
    kept = a_source(ada)["slug"]

    unpublish(ada, ref)
    narrow(ada, "sources", source, "partners")

    def places(reader):
        items = reader.get(f"{API}/feed.json").json()["items"]
        entries = feedparser.parse(reader.get(f"{API}/feed.atom").content).entries
        found = {item["title"]: item.get("url", "").rpartition("/")[2] for item in items}
        links = [[link.href for link in entry.get("links", []) if link.rel == "alternate"] for entry in entries]
        assert links == [[item["url"]] if "url" in item else [] for item in items]
        return found

    of_demand, of_source = f"{ref}: Taken from view.", f"Source taken from view: {source}"
    assert {places(client)[title] for title in (of_demand, of_source)} == {""}
    assert kept in places(client).values()
    assert places(ada)[of_demand] == ref
    publish(ada, ref)
    assert places(client)[of_demand] == ref


def test_a_demand_that_is_shown_again_has_its_story_back(ada, client):
    ref = a_demand(ada, status="in_progress")["ref"]
    before = types(client, ref)
    unpublish(ada, ref)

    publish(ada, ref)

    assert types(client, ref) == [*before, "demand.unpublished", "demand.published"]


def test_a_demand_kept_for_partners_goes_from_the_public_only(ada, partner, client):
    ref = a_demand(ada)["ref"]

    narrow(ada, "demands", ref, "partners")

    assert types(client, ref) == ["demand.unpublished"]
    for reader in (partner, ada):
        assert types(reader, ref)[-2:] == ["demand.published", "demand.revised"]


def test_each_circle_is_told_once_when_a_demand_goes_from_its_view(ada, partner, client):
    ref = a_demand(ada)["ref"]
    narrow(ada, "demands", ref, "partners")

    narrow(ada, "demands", ref, "staff")

    assert types(client, ref) == ["demand.unpublished"]
    assert types(partner, ref) == ["demand.unpublished"]
    assert types(ada, ref).count("demand.unpublished") == 1


def test_a_notice_to_others_stays_theirs_when_the_demand_is_shown_to_them_again(ada, partner, client):
    ref = a_demand(ada)["ref"]
    narrow(ada, "demands", ref, "partners")

    narrow(ada, "demands", ref, "public")

    shown = ["demand.published", "demand.revised"]
    assert types(client, ref) == ["demand.published", "demand.unpublished", *shown]
    assert types(partner, ref) == ["demand.published", "demand.revised", *shown]


@pytest.mark.parametrize(("kind", "thing"), [("sources", a_source), ("organizations", an_organization)])
def test_a_thing_kept_for_partners_is_taken_from_the_public_only(ada, partner, client, kind, thing):
    slug = thing(ada)["slug"]

    narrow(ada, kind, slug, "partners")

    noun = kind.removesuffix("s")
    told = [[event["type"] for event in newest(reader) if slug in str(event)] for reader in (client, partner, ada)]
    assert told == [[f"{noun}.withdrawn"], *[[f"{noun}.created", f"{noun}.revised"]] * 2]


def test_internal_notes_are_in_no_entry(ada, partner, client):
    ref = a_demand(ada)["ref"]

    change(ada, ref, "in_progress", internal_note="Between us")

    for reader in (ada, partner, client):
        assert about(reader, ref)[-1]["data"]["change"]["internal_note"] is None


def test_readers_learn_the_organization_that_acted_and_staff_the_key_too(ada, client):
    ref = a_demand(ada)["ref"]

    assert about(client, ref)[-1]["actor"] == {"organization": "ada-org"}
    assert about(ada, ref)[-1]["actor"]["organization"] == "ada-org"
    assert about(ada, ref)[-1]["actor"]["key"]


def test_citations_of_a_source_go_with_the_source(ada, partner, client):
    ref = a_demand(ada)["ref"]
    kept, hidden = a_source(ada)["slug"], a_source(ada, title="Secret report")["slug"]
    cited = [{"source": slug, "stance": "supports", "quote": f"Quote of {slug}"} for slug in (kept, hidden)]
    change(ada, ref, "in_progress", citations=cited)

    narrow(ada, "sources", hidden, "partners")

    told = about(client, ref)[-1]["data"]["change"]["citations"]
    assert [citation["source"]["slug"] for citation in told] == [kept]
    assert hidden not in str(about(client, ref))
    assert len(about(partner, ref)[-1]["data"]["change"]["citations"]) == 2


def test_evidence_from_a_source_that_went_is_told_of_without_its_content(ada, client):
    ref = a_demand(ada)["ref"]
    source = a_source(ada, title="Secret report")["slug"]
    made(ada, f"demands/{ref}/citations", {"source": source, "stance": "supports", "quote": "Secret", "note": "Secret"})

    narrow(ada, "sources", source, "staff")

    assert about(client, ref)[-1]["type"] == "demand.cited"
    assert about(client, ref)[-1]["data"]["citation"] is None
    history = client.get(f"{API}/demands/{ref}/history")
    assert history.status_code == 200
    for answer in (history.text, str(about(client, ref))):
        assert "Secret" not in answer
        assert source not in answer
    assert "Secret report" in ada.get(f"{API}/demands/{ref}/history").text


def test_an_organization_that_is_hidden_is_no_longer_named(ada, client_for, client):
    insider = client_for("editor", "shy-org")
    shy = an_organization(ada, name="Secret society")["slug"]
    ref = a_demand(insider, issuers=[shy])["ref"]
    change(insider, ref, "in_progress")
    assert shy in str(about(client, ref))

    for slug in (shy, "shy-org"):
        narrow(ada, "organizations", slug, "staff")

    for event in about(client, ref):
        assert event["actor"] == {"organization": None}
        assert event["data"]["demand"]["issuers"] == []
    assert about(client, ref)[-1]["data"]["change"]["organization"] is None
    assert "Secret" not in str(about(client, ref))


def test_a_successor_that_is_hidden_is_no_longer_named(ada, client):
    successor, ref = a_demand(ada)["ref"], a_demand(ada)["ref"]
    change(ada, ref, "superseded", successor=successor)
    assert about(client, ref)[-1]["data"]["change"]["successor"] == successor

    unpublish(ada, successor)

    assert about(client, ref)[-1]["data"]["change"]["successor"] is None
    assert about(ada, ref)[-1]["data"]["change"]["successor"] == successor
