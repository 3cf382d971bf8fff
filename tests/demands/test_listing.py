"""The list of demands: its filters, its order, its pages."""

import base64
import json
from itertools import product
from typing import Any

import pytest

from tests.factories import (
    API,
    a_body,
    a_campaign,
    a_demand,
    a_draft,
    a_kind,
    a_source,
    an_organization,
    change,
    made,
    read,
    refs,
)

SORTS = ["updated_at", "ref", "first_made_on", "deadline", "status_since"]


def listed(client, **query):
    answer = client.get(f"{API}/demands", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(client, demands, **query):
    """What the list shows, by the names that the test gave, in alphabetical order."""
    by_ref = {ref: name for name, ref in demands.items()}
    return "".join(sorted(by_ref[ref] for ref in refs(client, **query)))


def pages(client, **query):
    """The refs of every page, by following the cursors to the end."""
    for _ in range(20):  # far more than the tests have
        page = listed(client, **query)
        yield [item["ref"] for item in page["items"]]
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]
    pytest.fail("The pages have no end.")


def against(client, ref):
    citation = {"source": a_source(client)["slug"], "stance": "contradicts"}
    return made(client, f"demands/{ref}/citations", citation)


@pytest.fixture
def six(ada, set_clock):
    """Six demands that differ in everything a filter asks for, made a day apart from 1 March 2024 on."""
    slugs = {"campaign": [a_campaign(ada, slug=f"camp-{n}", prefix=f"C{n}")["slug"] for n in "12"]}
    slugs["kind"] = [a_kind(ada, slug=f"kind_{n}")["slug"] for n in "12"]
    top = a_body(ada, slug="top")["slug"]
    slugs["body"] = [top, a_body(ada, slug="below", parent=top)["slug"], a_body(ada, slug="beside")["slug"]]
    a_body(ada, slug="further-below", parent="below")
    slugs["issuer"] = [an_organization(ada, slug=f"issuer-{n}")["slug"] for n in "12"]
    evidence = {"citations": [{"source": a_source(ada, slug="report")["slug"], "stance": "supports"}]}
    a_source(ada, slug="unused")

    def make(name, day, campaign, kind, body, **values):
        set_clock(f"2024-03-0{day}")
        new = {"campaign": f"camp-{campaign}", "kind": f"kind_{kind}", "title": f"Demand {name}", **values}
        return a_draft(ada, targets=[{"body": body, "role": "decides"}], **new)["ref"]

    demands = {
        "a": make("a", 1, 1, 1, "top", tags=["x"], issuers=["issuer-1"], deadline="2024-02"),
        "b": make("b", 2, 1, 2, "below", tags=["x", "y"], deadline="2024-12"),
        "c": make("c", 3, 2, 1, "further-below", issuers=["issuer-1", "issuer-2"], first_made_on="2024-02-20"),
        "d": make("d", 4, 2, 2, "beside", tags=["y"], deadline="2023"),
        "e": make("e", 5, 1, 1, "beside", first_made_on="2024-03"),
        "f": make("f", 6, 2, 2, "beside", tags=["z"]),
    }
    set_clock("2024-03-07")
    change(ada, demands["b"], "in_progress", effective_on="2024-01-10", **evidence)
    set_clock("2024-03-08")
    change(ada, demands["c"], "met", effective_on="2024-02-25", **evidence)
    set_clock("2024-03-09")
    change(ada, demands["d"], "withdrawn", effective_on="2023-12", citations=[])
    set_clock("2024-03-10")
    against(ada, demands["e"])
    set_clock("2024-03-11")
    says = {"body": "beside", "response": "rejected", "on": "2024-03-01", **evidence}
    made(ada, f"demands/{demands['f']}/responses", says)
    set_clock("2024-03-12")
    return demands


def test_every_filter_finds_what_it_names(ada, six):
    expected = {
        "campaign=camp-1": "abe",
        "campaign=camp-1&campaign=camp-2": "abcdef",
        "kind=kind_2": "bdf",
        "kind=kind_1&kind=kind_2": "abcdef",
        "status=open": "aef",
        "status=open&status=met": "acef",
        "status=stalled": "",
        "group=moving": "b",
        "group=met&group=closed": "cd",
        "body=top": "abc",
        "body=below": "bc",
        "body=further-below": "c",
        "body=beside": "def",
        "body=beside&body=below": "bcdef",
        "issuer=issuer-1": "ac",
        "issuer=issuer-2&issuer=issuer-1": "ac",
        "source=report": "bcf",
        "source=unused": "",
        "tag=x": "ab",
        "tag=x&tag=z": "abf",
        "tag=nowhere": "",
        "publication=draft": "abcdef",
        "publication=published": "",
        "q=demand": "abcdef",
        "q=demand+f": "f",
        "overdue=true": "a",
        "overdue=false": "bcdef",
        "stale=true": "ae",
        "stale=false": "bcdf",
        "disputed=true": "e",
        "disputed=false": "abcdf",
        "no_response=true": "ab",
        "no_response=false": "cdef",
        "updated_since=2024-03-10": "ef",
        "updated_since=2024-03-10T00:00:00Z": "ef",
        "updated_since=2024-03-10T02:00:00%2B02:00": "ef",
        "updated_since=2024-03-10T00:00:01Z": "f",
        "campaign=camp-1&status=open": "ae",
        "kind=kind_1&body=top&tag=x": "a",
        "campaign=camp-2&body=top&group=met&issuer=issuer-2&source=report&disputed=false": "c",
        "status=open&group=met": "",
    }

    found = {query: names(ada, six, **_parsed(query)) for query in expected}

    assert found == expected


def test_the_total_is_counted_with_the_same_filters(ada, six):
    counted = {
        query: listed(ada, **_parsed(query), include="total", limit=1)["total"]
        for query in ("", "body=top", "tag=x&tag=y", "q=demand", "stale=true", "as_of=2024-02-25", "status=stalled")
    }

    assert counted == {
        "": 6,
        "body=top": 3,
        "tag=x&tag=y": 3,
        "q=demand": 6,
        "stale=true": 2,
        "as_of=2024-02-25": 5,
        "status=stalled": 0,
    }
    assert listed(ada)["total"] is None


def test_both_orders_run_through_all_pages_without_loss_or_doubling(ada, six):
    items = {item["ref"]: item for item in listed(ada)["items"]}

    for sort in SORTS:
        up = [ref for page in pages(ada, sort=sort, limit=2) for ref in page]
        down = [ref for page in pages(ada, sort=f"-{sort}", limit=1) for ref in page]

        places = [_place(items[ref], sort) for ref in up]
        assert sorted(up) == sorted(six.values()), sort
        assert places == sorted(places), sort
        if sort != "deadline":
            assert down == up[::-1], sort


def test_what_has_no_deadline_comes_last_in_both_directions(ada, six):
    def names(sort):
        return "".join(next(n for n in six if six[n] == ref) for page in pages(ada, sort=sort, limit=2) for ref in page)

    assert (names("deadline"), names("-deadline")) == ("dabcef", "badfec")


def test_refs_are_sorted_by_their_number(ada, common):
    made_refs = [a_draft(ada, **common)["ref"] for _ in range(11)]

    assert refs(ada, sort="ref") == made_refs


def test_the_newest_change_comes_first_and_pages_lead_from_one_to_the_next(ada, six):
    assert refs(ada) == [six[name] for name in "fedcba"]

    first = ada.get(f"{API}/demands", params={"limit": 4, "body": ["top", "beside"], "sort": "ref"})
    second = ada.get(first.links["next"]["url"])

    assert [len(answer.json()["items"]) for answer in (first, second)] == [4, 2]
    assert second.json()["next_cursor"] is None
    assert "Link" not in second.headers
    assert f"cursor={first.json()['next_cursor']}" in first.headers["Link"]


def test_a_page_that_is_just_full_is_the_last(ada, common):
    for _ in range(4):
        a_draft(ada, **common)

    assert [len(page) for page in pages(ada, limit=2)] == [2, 2]
    assert [len(page) for page in pages(ada, limit=4)] == [4]


def test_a_page_after_a_change_in_between_doubles_nothing(ada, common):
    made_refs = [a_draft(ada, **common)["ref"] for _ in range(4)]
    page = listed(ada, limit=2, sort="ref")
    a_draft(ada, **common)
    against(ada, made_refs[0])

    rest = listed(ada, limit=2, sort="ref", cursor=page["next_cursor"])

    assert [item["ref"] for item in page["items"] + rest["items"]] == made_refs


def test_a_cursor_belongs_to_its_list_and_its_filters(ada, common):
    demands = [a_draft(ada, **common) for _ in range(3)]
    cursor = listed(ada, limit=2)["next_cursor"]
    change(ada, demands[0]["ref"], "withdrawn")
    of_changes = ada.get(f"{API}/demands/{demands[0]['ref']}/status-changes", params={"limit": 1}).json()["next_cursor"]

    for query in (
        {"cursor": cursor, "sort": "ref"},
        {"cursor": cursor, "sort": "updated_at"},
        {"cursor": cursor, "status": "open"},
        {"cursor": cursor, "as_of": "2024-03-01"},
        {"cursor": of_changes},
        {"cursor": cursor[:-2]},
        {"cursor": "nonsense"},
        {"cursor": "é"},
    ):
        refused = ada.get(f"{API}/demands", params={"limit": 2, **query})
        assert _wrong(refused) == "query.cursor", query
    for path in (f"demands/{demands[1]['ref']}/status-changes", f"demands/{demands[0]['ref']}/milestones"):
        assert _wrong(ada.get(f"{API}/{path}", params={"cursor": of_changes})) == "query.cursor", path

    assert ada.get(f"{API}/demands", params={"cursor": cursor, "limit": 5}).status_code == 200


def test_a_cursor_that_was_tampered_with_is_refused(ada, common):
    for _ in range(2):
        a_draft(ada, **common)
    then = "2024-03-01T00:00:00+00:00"
    values: list[Any] = [["x", 1], [1, 1], [then], [then, "x"], [then, "1"], [then, 1.5], [True, False], [[], 1]]
    values += [["0001-01-01T00:00:00+14:00", 1], *([then, number] for number in (2**31, 2**63, -(2**70)))]
    scope = _decoded(listed(ada, limit=1)["next_cursor"])[0]

    wrong: list[Any] = [1, None, "x", [], {}, [1], ["x", "y", 2], [scope], *([scope, *value] for value in values)]
    for forged in wrong:
        assert _wrong(ada.get(f"{API}/demands", params={"cursor": _encoded(forged)})) == "query.cursor", forged
    for forged in ("\x00", "\ud800", 1, None):
        cursor = _encoded([_decoded(listed(ada, limit=1, sort="ref")["next_cursor"])[0], forged])
        assert _wrong(ada.get(f"{API}/demands", params={"cursor": cursor, "sort": "ref"})) == "query.cursor", forged


def test_a_page_is_as_long_as_it_may_be(ada):
    answers = {limit: ada.get(f"{API}/demands", params={"limit": limit}).status_code for limit in _LIMITS}

    assert answers == _LIMITS


_LIMITS = {"1": 200, "200": 200, "0": 422, "201": 422, "-1": 422, "many": 422, "1.5": 422, "": 422, "9" * 30: 422}


def test_a_filter_or_value_that_there_is_not_is_named(ada):
    wrong = [
        ("colour", "red"),
        ("Status", "open"),
        ("offset", "1"),
        ("campaign", "nowhere"),
        ("kind", "nothing"),
        ("body", "nobody"),
        ("issuer", "nobody"),
        ("source", "nowhere"),
        ("campaign", "Not a slug"),
        ("tag", "Not a tag"),
        ("status", "ongoing"),
        ("status", ""),
        ("group", "in_progress"),
        ("publication", "hidden"),
        ("overdue", "perhaps"),
        ("stale", ""),
        ("disputed", "2"),
        ("no_response", "null"),
        ("updated_since", "yesterday"),
        ("updated_since", "2024-03-10T00:00:00"),
        ("as_of", "2023-02-30"),
        ("as_of", "2023-10"),
        ("as_of", "0"),
        ("as_of", "2023-10-05T00:00:00"),
        ("updated_since", "0"),
        ("updated_since", "0001-01-01T00:00:00+14:00"),
        ("limit", "1" * 30),
        ("q", ""),
        ("q", "x" * 201),
        ("sort", "title"),
        ("sort", "+ref"),
        ("include", "everything"),
        ("include", "total,everything"),
    ]

    for word, value in wrong:
        refused = ada.get(f"{API}/demands", params={word: value})
        assert _wrong(refused).split(".")[1] == word, value
        assert f"query.{word}" in refused.json()["detail"]


def test_a_word_that_takes_one_value_is_refused_where_it_is_given_twice(ada, common):
    ref = a_draft(ada, **common)["ref"]
    lists = ["demands", "demands.csv", "demands.ndjson"]
    timelines = ["statistics/timeline", "statistics/timeline.csv"]
    of_demands = [*lists, *timelines, "statistics/summary", "statistics/bodies", "demands.ics"]
    feeds = ["events", "events/stream", "feed.atom", "feed.json"]
    others = ["bodies", "sources", "organizations", "campaigns", "kinds", f"demands/{ref}/updates"]
    asked = [
        *product(of_demands, ["as_of=2023-10-05", "overdue=true", "q=x", "updated_since=2024-01-01"]),
        *product(lists, ["limit=1", "cursor=x", "sort=ref"]),
        *product(timelines, ["from=2024-01", "to=2024-01"]),
        *product(feeds, ["disputed=true"]),
        *product(others, ["limit=1"]),
        ("events", "after=0"),
    ]

    for path, word in asked:
        refused = ada.get(f"{API}/{path}?{word}&{word}")
        named = [{"where": f"query.{word.partition('=')[0]}", "what": "give it once"}]
        assert (refused.status_code, refused.json()["errors"]) == (422, named), path

    both = ada.get(f"{API}/demands?limit=1&limit=2&sort=ref&sort=-ref&status=open&status=met").json()
    assert {error["where"] for error in both["errors"]} == {"query.limit", "query.sort"}


def test_one_wrong_value_among_several_is_named(ada):
    refused = ada.get(f"{API}/demands", params={"campaign": [a_campaign(ada)["slug"], "nowhere"]})

    assert _wrong(refused).startswith("query.campaign")
    assert "nowhere" in refused.json()["detail"]


def test_included_parts_come_with_each_demand(ada, six):
    plain = listed(ada, body="below", sort="ref")
    full = listed(ada, body="below", sort="ref", include="citations,history")
    both = listed(ada, body="below", sort="ref", include=["history", "citations"])

    assert {(item["citations"], item["history"]) for item in plain["items"]} == {(None, None)}
    assert both == full
    assert [[c["source"]["slug"] for c in item["citations"]] for item in full["items"]] == [["report"], ["report"]]
    stories = [[entry["type"] for entry in item["history"]] for item in full["items"]]
    assert stories == [["demand.status_changed", "demand.created"]] * 2


def test_a_list_shows_demands_as_they_show_themselves(ada, six):
    assert {item["ref"]: item for item in listed(ada)["items"]} == {ref: read(ada, ref) for ref in six.values()}


def test_the_public_lists_what_is_published(ada, client, eve, common):
    a_draft(ada, **common)
    public, partners = a_demand(ada, **common)["ref"], a_demand(ada, audience="partners", **common)["ref"]

    assert refs(client) == [public]
    assert refs(eve) == [partners, public]
    assert [listed(one, include="total")["total"] for one in (client, eve, ada)] == [1, 2, 3]
    assert {item["allowed_moves"] for item in listed(client)["items"]} == {None}


def _parsed(query):
    found: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        word, _, value = pair.partition("=")
        found.setdefault(word, []).append(value.replace("+", " ").replace("%2B", "+"))
    return found


def _place(item, sort):
    """Where the item belongs: a demand without a deadline comes after those that have one."""
    if sort == "ref":
        prefix, number = item["ref"].split("-")
        return prefix, int(number)
    return item[sort] or "9999"


def _wrong(answer):
    """Where the first wrong value of a refused request stood."""
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid"), answer.text
    return str(answer.json()["errors"][0]["where"])


def _encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _decoded(cursor):
    return json.loads(base64.urlsafe_b64decode(cursor + "=="))
