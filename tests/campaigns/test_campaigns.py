"""Campaigns: everyone reads them, editors make and revise them."""

import pytest

from app.campaigns.models import Campaign
from app.problems import Conflict
from tests.racing import at_once

CAMPAIGNS = "/api/v1/campaigns"


def a_campaign(client, **values):
    new = {"slug": "nagorno-karabakh", "prefix": "NK", "name": "Nagorno-Karabakh", "languages": ["en", "hy"], **values}
    response = client.post(CAMPAIGNS, json=new)
    assert response.status_code == 201, response.text
    return response.json()


def test_a_campaign_reads_as_it_was_created(ada, client):
    made = a_campaign(ada, about="Demands made from late 2022 on.")

    read = client.get(f"{CAMPAIGNS}/nagorno-karabakh")

    assert read.json() == made
    assert read.json() == {
        "slug": "nagorno-karabakh",
        "prefix": "NK",
        "name": "Nagorno-Karabakh",
        "about": "Demands made from late 2022 on.",
        "languages": ["en", "hy"],
        "review_interval_days": 90,
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
    }
    assert read.headers["ETag"] == '"1"'


def test_campaigns_are_listed_page_by_page(ada, client):
    for slug, prefix in (("b", "B"), ("a", "A"), ("c", "C")):
        a_campaign(ada, slug=slug, prefix=prefix)

    first = client.get(CAMPAIGNS, params={"limit": 2})
    second = client.get(first.links["next"]["url"])

    assert [campaign["slug"] for campaign in first.json()["items"]] == ["a", "b"]
    assert [campaign["slug"] for campaign in second.json()["items"]] == ["c"]
    assert second.json()["next_cursor"] is None
    assert "Link" not in second.headers


def test_creating_is_for_editors(client, client_for):
    new = {"slug": "x", "prefix": "X", "name": "X", "languages": ["en"]}

    answers = [client.post(CAMPAIGNS, json=new).status_code]
    answers += [client_for(role).post(CAMPAIGNS, json=new).status_code for role in ("viewer", "partner", "campaigner")]

    assert answers == [401, 403, 403, 403]


def test_revising_is_for_editors(ada, client, client_for):
    a_campaign(ada)
    address, change = f"{CAMPAIGNS}/nagorno-karabakh", {"name": "Artsakh"}

    answers = [client.patch(address, json=change).status_code]
    answers += [client_for(role).patch(address, json=change).status_code for role in ("partner", "campaigner")]

    assert answers == [401, 403, 403]
    assert client.get(address).json()["name"] == "Nagorno-Karabakh"


def test_a_revision_changes_what_it_names_and_empties_what_is_null(ada):
    a_campaign(ada, about="Something")

    renamed = ada.patch(f"{CAMPAIGNS}/nagorno-karabakh", json={"name": "NK"})
    emptied = ada.patch(f"{CAMPAIGNS}/nagorno-karabakh", json={"about": None})

    assert (renamed.json()["name"], renamed.json()["about"]) == ("NK", "Something")
    assert (emptied.json()["name"], emptied.json()["about"]) == ("NK", None)
    assert (emptied.json()["version"], emptied.headers["ETag"]) == (3, '"3"')


def test_a_revision_of_an_older_version_is_refused(ada):
    a_campaign(ada)
    address = f"{CAMPAIGNS}/nagorno-karabakh"

    fresh = ada.patch(address, json={"name": "First"}, headers={"If-Match": '"1"'})
    stale = ada.patch(address, json={"name": "Second"}, headers={"If-Match": '"1"'})

    assert (fresh.status_code, stale.status_code) == (200, 412)
    assert ada.get(address).json()["name"] == "First"


@pytest.mark.parametrize(
    "change", [{"slug": "other"}, {"prefix": "Z"}, {"name": None}, {"languages": []}, {"last_number": 9}, {"colour": 1}]
)
def test_what_cannot_be_revised_is_refused_and_named(ada, change):
    a_campaign(ada)

    response = ada.patch(f"{CAMPAIGNS}/nagorno-karabakh", json=change)

    assert response.status_code == 422
    assert f"body.{next(iter(change))}" in response.json()["detail"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("prefix", "nk"),
        ("prefix", "NK-"),
        ("prefix", "ABCDEFGHIJK"),
        ("slug", "Not a slug"),
        ("languages", ["not a language"]),
        ("languages", ["en", "EN"]),
        ("review_interval_days", 0),
        ("review_interval_days", "90"),
        ("name", "nul\x00"),
    ],
)
def test_a_wrong_value_is_refused_and_named(ada, member, value):
    new = {"slug": "x", "prefix": "X", "name": "X", "languages": ["en"], member: value}

    response = ada.post(CAMPAIGNS, json=new)

    assert response.status_code == 422
    assert f"body.{member}" in response.json()["detail"]
    assert ada.get(CAMPAIGNS).json()["items"] == []


@pytest.mark.parametrize("change", [{"slug": "other"}, {"prefix": "OT"}])
def test_a_slug_or_a_prefix_is_given_once(ada, change):
    a_campaign(ada)

    again = {"slug": "nagorno-karabakh", "prefix": "NK", "name": "Again", "languages": ["en"], **change}
    response = ada.post(CAMPAIGNS, json=again)

    assert response.status_code == 409
    assert "nagorno-karabakh" in response.json()["detail"]


def test_repeating_a_creation_with_its_key_changes_nothing(ada):
    new = {"slug": "x", "prefix": "X", "name": "X", "languages": ["en"]}

    first = ada.post(CAMPAIGNS, json=new, headers={"Idempotency-Key": "one"})
    second = ada.post(CAMPAIGNS, json=new, headers={"Idempotency-Key": "one"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["Idempotency-Replayed"] == "true"


def test_an_unknown_campaign_or_filter_is_named(client):
    unknown = client.get(f"{CAMPAIGNS}/nowhere")
    filtered = client.get(CAMPAIGNS, params={"colour": "red"})

    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/not-found")
    assert (filtered.status_code, "query.colour" in filtered.json()["detail"]) == (422, True)


def test_of_those_who_create_the_same_campaign_at_once_one_succeeds(ada, client):
    def create():
        return ada.post(CAMPAIGNS, json={"slug": "x", "prefix": "X", "name": "X", "languages": ["en"]})

    answers = at_once([create] * 6)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {answer.json()["type"] for answer in answers if answer.status_code == 409} == {"/problems/conflict"}
    assert [campaign["slug"] for campaign in client.get(CAMPAIGNS).json()["items"]] == ["x"]


def test_the_database_itself_refuses_a_prefix_twice(ada, database):
    a_campaign(ada)

    with pytest.raises(Conflict, match="campaign with this prefix already"), database.write() as session:
        session.add(Campaign(slug="other", prefix="NK", name="Other", languages=["en"]))


def test_of_two_edits_of_the_same_version_one_succeeds(ada):
    a_campaign(ada)

    def rename():
        return ada.patch(f"{CAMPAIGNS}/nagorno-karabakh", json={"name": "Mine"}, headers={"If-Match": '"1"'})

    answers = at_once([rename] * 4)

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert ada.get(f"{CAMPAIGNS}/nagorno-karabakh").json()["version"] == 2
