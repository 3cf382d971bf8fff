"""Searching by words: in ref, title and text, in any language, with nothing that has to be escaped."""

import pytest

from tests.factories import API, a_demand, a_draft, refs


@pytest.fixture
def found(ada, common):
    """`found(title, query)`: whether a demand with this title is found."""

    def found(title, query):
        ref = a_draft(ada, title=title, asks="x", **common)["ref"]
        return ref in refs(ada, q=query, limit=200)

    return found


def test_words_are_found_in_ref_title_and_text_in_any_order(ada, common):
    ref = a_draft(ada, title="Release of prisoners", asks="Armenian captives are to be set free.", **common)["ref"]
    a_draft(ada, title="A mission", asks="To see for itself.", **common)

    for query in ("prisoners", "PRISONERS", "free captives", "of release", "prisoners armenian", ref, ref.lower()):
        assert refs(ada, q=query) == [ref], query
    for query in ("mission prisoners", "soners", "prisonerss", "freedom"):
        assert refs(ada, q=query) == [], query


def test_beginnings_of_words_are_found(found):
    assert found("Special Rapporteur on Artsakh", "spec rapp arts")
    assert not found("Special Rapporteur on Artsakh", "porteur")


def test_marks_on_letters_make_no_difference(found):
    for title, query in (
        ("Résolution générale", "resolution"),
        ("Résolution générale", "résolution GÉNÉRALE"),
        ("Resolution", "résolution"),
        ("Re\u0301solution", "résolution"),
        ("Résolution", "re\u0301solution"),
        ("Gürcistan’dan dönüş", "donus"),
    ):
        assert found(title, query), (title, query)


def test_every_script_is_searched(found):
    for title, query in (
        ("ՄԱԿ-ի առաքելություն Ստեփանակերտ", "առաքել"),
        ("ՄԱԿ-ի առաքելություն Ստեփանակերտ", "ստեփանակերտ մակ"),
        ("Гуманитарная миссия", "МИССИЯ гуманит"),
        ("بعثة إنسانية", "بعثة"),
        ("საქართველო", "საქართ"),
    ):
        assert found(title, query), (title, query)


def test_symbols_dates_and_addresses_are_words_with_signs_between(found):
    for title, query in (
        ("As A/RES/77/182 asks", "A/RES/77/182"),
        ("As A/RES/77/182 asks", "res 182"),
        ("S/2023/601", "601"),
        ("Blockade since 2022-12-12", "2022-12-12"),
        ("Blockade since 2022-12-12", "12"),
        ("See https://www.ohchr.org/en/press", "ohchr"),
        ("Write to office@example.org", "example"),
        ("Nagorno-Karabakh's people", "karabakh"),
        ("The kind un_mission", "mission"),
        ("36.5 tonnes", "5"),
        ("Rights & duties", "rights & duties"),
    ):
        assert found(title, query), (title, query)


def test_operators_and_quotes_are_plain_text(ada, client, common):
    ref = a_draft(ada, title="Release and return", asks="x", **common)["ref"]

    for query in (
        'release"',
        '"release',
        "'release",
        "release*",
        "rel*",
        "release)",
        "(release",
        "release:*",
        "title:release",
        "release & return",
        "release | return",
        "!release",
        "-release",
        "release -return",
        "release AND return",
        "NEAR(release return)",
        "release\\",
        "release; DROP TABLE demand",
        "release %",
        "release <-> return",
        "^release",
        "{release}",
        "release'; --",
    ):
        answer = ada.get(f"{API}/demands", params={"q": query})
        assert answer.status_code == 200, query
        shown = [item["ref"] for item in answer.json()["items"]]
        words = {"title", "near", "drop", "table", "demand"} & set(
            query.lower().replace("(", " ").replace(":", " ").split()
        )
        assert shown == ([] if words else [ref]), query
    assert refs(ada) == [ref]


def test_signs_alone_find_nothing(ada, common):
    a_draft(ada, **common)

    for query in ('"', "*", "-", "&", "%", "…", ":*", "()", "🕊"):
        assert refs(ada, q=query) == [], query


def test_what_is_no_text_is_refused(ada):
    for query in ("", "   ", "x" * 201):
        answer = ada.get(f"{API}/demands", params={"q": query})
        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query.q"), query
    answer = ada.get(f"{API}/demands?q=rel%00ease")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")


def test_a_revised_text_is_found_by_its_new_words_only(ada, common):
    ref = a_draft(ada, title="Before", **common)["ref"]

    ada.patch(f"{API}/demands/{ref}", json={"title": "After"}, headers={"If-Match": "*"})

    assert (refs(ada, q="before"), refs(ada, q="after")) == ([], [ref])


def test_what_is_not_shown_is_not_found(ada, client, common):
    a_draft(ada, title="Secret talks", **common)
    shown = a_demand(ada, title="Open talks", **common)["ref"]

    assert refs(client, q="talks") == [shown]
    assert client.get(f"{API}/demands", params={"q": "talks", "include": "total"}).json()["total"] == 1
    assert refs(client, q="secret") == []
