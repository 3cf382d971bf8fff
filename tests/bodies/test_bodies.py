"""Bodies: everyone reads them, staff create and revise them."""

from functools import partial

import pytest

from tests.racing import at_once

BODIES = "/api/v1/bodies"
NO_DEMANDS = {"open": 0, "moving": 0, "blocked": 0, "met": 0, "closed": 0}


@pytest.fixture
def staff(client_for):
    return client_for("campaigner")


def a_body(client, slug, **values):
    response = client.post(BODIES, json={"slug": slug, "name": f"The {slug}", **values})
    assert response.status_code == 201, response.text
    return response.json()


def test_a_body_reads_as_it_was_created(staff, client):
    a_body(staff, "un")
    made = a_body(
        staff,
        "ocha",
        name="Office for the Coordination of Humanitarian Affairs",
        acronym="OCHA",
        classification="office",
        parent="un",
        identifiers={"wikidata": "Q1", "document_symbol": "A/"},
        holder="Someone (2023)",
        url="https://www.unocha.org",
    )

    read = client.get(f"{BODIES}/ocha")

    assert read.json() == made
    assert read.json() == {
        "slug": "ocha",
        "name": "Office for the Coordination of Humanitarian Affairs",
        "acronym": "OCHA",
        "classification": "office",
        "parent": "un",
        "successor": None,
        "identifiers": {"document_symbol": "A/", "wikidata": "Q1"},
        "holder": "Someone (2023)",
        "url": "https://www.unocha.org",
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
        "demands": NO_DEMANDS,
        "children": [],
        "ancestors": ["un"],
    }


def test_a_single_body_shows_its_place_in_the_tree(staff, client):
    a_body(staff, "un")
    a_body(staff, "un-sg", parent="un")
    a_body(staff, "ohchr", parent="un-sg")
    a_body(staff, "ocha", parent="un-sg", acronym="OCHA")

    middle = client.get(f"{BODIES}/un-sg").json()
    leaf = client.get(f"{BODIES}/ocha").json()

    assert middle["children"] == [
        {"slug": "ocha", "name": "The ocha", "acronym": "OCHA"},
        {"slug": "ohchr", "name": "The ohchr", "acronym": None},
    ]
    assert leaf["ancestors"] == ["un-sg", "un"]


def test_the_etag_changes_with_the_children_and_still_names_the_version(staff, client):
    a_body(staff, "un")
    before = client.get(f"{BODIES}/un").headers["ETag"]

    a_body(staff, "ocha", parent="un")
    after = client.get(f"{BODIES}/un").headers["ETag"]

    assert before != after
    assert staff.patch(f"{BODIES}/un", json={"acronym": "UN"}, headers={"If-Match": before}).status_code == 200
    assert staff.patch(f"{BODIES}/un", json={"acronym": "U"}, headers={"If-Match": after}).status_code == 412


def test_bodies_are_listed_page_by_page(staff, client):
    for slug in ("b", "a", "c"):
        a_body(staff, slug)

    first = client.get(BODIES, params={"limit": 2})
    second = client.get(first.links["next"]["url"])

    assert [body["slug"] for body in first.json()["items"]] == ["a", "b"]
    assert [body["slug"] for body in second.json()["items"]] == ["c"]
    assert second.json()["next_cursor"] is None
    assert first.json()["items"][0]["demands"] == NO_DEMANDS


@pytest.mark.parametrize(
    ("words", "slugs"),
    [
        ({"q": "humanitarian"}, ["ocha"]),
        ({"q": "UNHCR"}, ["unhcr"]),
        ({"q": "%"}, []),
        ({"parent": "un"}, ["ocha", "unhcr"]),
        ({"parent": ["un", "eu"]}, ["eu-council", "ocha", "unhcr"]),
        ({"classification": "agency"}, ["unhcr"]),
        ({"parent": "un", "classification": ["office", "agency"], "q": "refugees"}, ["unhcr"]),
        ({"identifier": "wikidata:Q1065"}, ["un"]),
        ({"identifier": ["wikidata:Q1065", "wikidata:Q458"]}, ["eu", "un"]),
        ({"identifier": "document_symbol:A/C:1"}, ["ocha"]),
        ({"identifier": "wikidata:Q1"}, []),
    ],
)
def test_filters_narrow_the_list(staff, client, words, slugs):
    a_body(staff, "un", identifiers={"wikidata": "Q1065"})
    a_body(staff, "eu", identifiers={"wikidata": "Q458"})
    a_body(staff, "ocha", name="Humanitarian Affairs", parent="un", classification="office")
    a_body(staff, "unhcr", name="Refugees", acronym="UNHCR", parent="un", classification="agency")
    a_body(staff, "eu-council", parent="eu")
    staff.patch(f"{BODIES}/ocha", json={"identifiers": {"document_symbol": "A/C:1"}})

    found = client.get(BODIES, params=words)

    assert [body["slug"] for body in found.json()["items"]] == slugs


@pytest.mark.parametrize(
    ("word", "value"),
    [("parent", "nowhere"), ("identifier", "Q1065"), ("colour", "red"), ("q", ""), ("limit", "0")],
)
def test_an_unknown_filter_or_value_is_named(client, word, value):
    response = client.get(BODIES, params={word: value})

    assert response.status_code == 422
    assert f"query.{word}" in response.json()["detail"]


def test_creating_and_revising_is_for_staff(client, client_for, staff):
    new = {"slug": "x", "name": "X"}
    a_body(staff, "un")

    for someone, status in [(client, 401), (client_for("viewer"), 403), (client_for("partner"), 403)]:
        assert someone.post(BODIES, json=new).status_code == status
        assert someone.patch(f"{BODIES}/un", json={"name": "X"}).status_code == status

    assert [body["name"] for body in client.get(BODIES).json()["items"]] == ["The un"]


def test_a_revision_changes_what_it_names_and_empties_what_is_null(staff):
    a_body(staff, "un")
    a_body(staff, "ocha", parent="un", acronym="OCHA", holder="Someone")

    kept = staff.patch(f"{BODIES}/ocha", json={"name": "Affairs"}).json()
    emptied = staff.patch(f"{BODIES}/ocha", json={"parent": None, "holder": None})

    assert (kept["name"], kept["parent"], kept["acronym"], kept["holder"]) == ("Affairs", "un", "OCHA", "Someone")
    assert (emptied.json()["parent"], emptied.json()["acronym"], emptied.json()["holder"]) == (None, "OCHA", None)
    assert emptied.json()["ancestors"] == []
    assert emptied.headers["ETag"].startswith('"3-')


def test_identifiers_are_merged_scheme_by_scheme(staff):
    a_body(staff, "un", identifiers={"wikidata": "Q1065", "ror": "1", "isni": "2"})

    merged = staff.patch(f"{BODIES}/un", json={"identifiers": {"ror": None, "isni": "3", "document_symbol": "A/"}})
    emptied = staff.patch(f"{BODIES}/un", json={"identifiers": None})

    assert merged.json()["identifiers"] == {"document_symbol": "A/", "isni": "3", "wikidata": "Q1065"}
    assert emptied.json()["identifiers"] == {}


@pytest.mark.parametrize(
    "change", [{"slug": "other"}, {"name": None}, {"identifiers": {"Not a scheme": "x"}}, {"a": 1}]
)
def test_what_cannot_be_revised_is_refused_and_named(staff, change):
    a_body(staff, "un")

    response = staff.patch(f"{BODIES}/un", json=change)

    assert response.status_code == 422
    assert f"body.{next(iter(change))}" in response.json()["detail"]


@pytest.mark.parametrize("member", ["parent", "successor"])
def test_an_unknown_relative_is_named(staff, member):
    a_body(staff, "un")

    created = staff.post(BODIES, json={"slug": "x", "name": "X", member: "nowhere"})
    revised = staff.patch(f"{BODIES}/un", json={member: "nowhere"})

    for response in (created, revised):
        assert response.status_code == 422
        assert response.json()["errors"] == [{"where": f"body.{member}", "what": "there is no body nowhere"}]


def test_an_unknown_body_is_not_found(staff, client):
    assert client.get(f"{BODIES}/nowhere").status_code == 404
    assert staff.patch(f"{BODIES}/nowhere", json={"name": "X"}).status_code == 404


def test_an_identifier_belongs_to_one_body(staff):
    a_body(staff, "un", identifiers={"wikidata": "Q1065"})
    a_body(staff, "eu")

    created = staff.post(BODIES, json={"slug": "x", "name": "X", "identifiers": {"wikidata": "Q1065"}})
    revised = staff.patch(f"{BODIES}/eu", json={"identifiers": {"wikidata": "Q1065"}})

    for response in (created, revised):
        assert response.status_code == 409
        assert "body un" in response.json()["detail"]


def test_a_slug_is_given_once(staff):
    a_body(staff, "un")

    response = staff.post(BODIES, json={"slug": "un", "name": "Again"})

    assert (response.status_code, response.json()["type"]) == (409, "/problems/conflict")


def test_of_those_who_create_the_same_body_at_once_one_succeeds(staff, client):
    answers = at_once([lambda: staff.post(BODIES, json={"slug": "un", "name": "UN"})] * 6)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert [body["slug"] for body in client.get(BODIES).json()["items"]] == ["un"]


def test_of_those_who_claim_the_same_identifier_at_once_one_succeeds(staff, client):
    for number in range(4):
        a_body(staff, f"body-{number}")

    answers = at_once(
        [
            partial(staff.patch, f"{BODIES}/body-{number}", json={"identifiers": {"wikidata": "Q1"}})
            for number in range(4)
        ]
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


def test_repeating_a_creation_with_its_key_changes_nothing(staff, client):
    new = {"slug": "un", "name": "UN"}

    first = staff.post(BODIES, json=new, headers={"Idempotency-Key": "one"})
    second = staff.post(BODIES, json=new, headers={"Idempotency-Key": "one"})
    other = staff.post(BODIES, json={**new, "name": "Other"}, headers={"Idempotency-Key": "one"})

    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 422)
    assert second.content == first.content
    assert len(client.get(BODIES).json()["items"]) == 1
