"""Kinds: a vocabulary that staff extend, labelled in any language."""

import pytest

KINDS = "/api/v1/kinds"


@pytest.fixture
def staff(client_for):
    return client_for("campaigner")


def a_kind(client, slug="un_mission", **values):
    response = client.post(KINDS, json={"slug": slug, "label": {"en": "UN mission"}, **values})
    assert response.status_code == 201, response.text
    return response.json()


def test_a_kind_reads_as_it_was_created(staff, client):
    made = a_kind(staff, about="People of the UN on the ground.")

    read = client.get(f"{KINDS}/un_mission")

    assert read.json() == made
    assert (made["slug"], made["label"], made["version"]) == ("un_mission", {"en": "UN mission"}, 1)
    assert read.headers["ETag"] == '"1"'


def test_kinds_are_listed_by_slug(staff, client):
    a_kind(staff, "un_mission")
    a_kind(staff, "needs_assessment")

    slugs = [kind["slug"] for kind in client.get(KINDS).json()["items"]]

    assert slugs == ["needs_assessment", "un_mission"]


def test_the_vocabulary_is_for_staff_to_extend(client, client_for, staff):
    new = {"slug": "x", "label": {"en": "X"}}

    answers = [client.post(KINDS, json=new).status_code]
    answers += [client_for(role).post(KINDS, json=new).status_code for role in ("viewer", "partner")]

    assert answers == [401, 403, 403]
    a_kind(staff, "x")
    assert client.patch(f"{KINDS}/x", json={"about": "x"}).status_code == 401
    assert client_for("partner").patch(f"{KINDS}/x", json={"about": "x"}).status_code == 403


def test_labels_are_merged_language_by_language(staff):
    a_kind(staff, label={"en": "UN mission", "fr": "Mission"})

    response = staff.patch(f"{KINDS}/un_mission", json={"label": {"hy": "ՄԱԿ-ի առաքելություն", "fr": None}})

    assert response.json()["label"] == {"en": "UN mission", "hy": "ՄԱԿ-ի առաքելություն"}
    assert response.headers["ETag"] == '"2"'


@pytest.mark.parametrize("label", [{"en": None}, None, {"not a language": "x"}, {"en": ""}])
def test_a_kind_keeps_a_label(staff, label):
    a_kind(staff)

    response = staff.patch(f"{KINDS}/un_mission", json={"label": label})

    assert response.status_code == 422
    assert "body.label" in response.json()["detail"]
    assert staff.get(f"{KINDS}/un_mission").json()["label"] == {"en": "UN mission"}


@pytest.mark.parametrize(
    "new", [{"slug": "x", "label": {}}, {"slug": "x"}, {"slug": "x", "label": {"en": "X"}, "a": 1}]
)
def test_a_kind_without_a_label_or_with_unknown_members_is_refused(staff, new):
    assert staff.post(KINDS, json=new).status_code == 422


def test_a_revision_of_an_older_version_is_refused(staff):
    a_kind(staff)
    address = f"{KINDS}/un_mission"

    fresh = staff.patch(address, json={"about": "First"}, headers={"If-Match": '"1"'})
    stale = staff.patch(address, json={"about": "Second"}, headers={"If-Match": '"1"'})

    assert (fresh.status_code, stale.status_code) == (200, 412)


def test_a_slug_is_given_once(staff):
    a_kind(staff)

    response = staff.post(KINDS, json={"slug": "un_mission", "label": {"en": "Again"}})

    assert (response.status_code, response.json()["type"]) == (409, "/problems/conflict")
