"""People: who they work for, and how their access ends."""

import pytest

from tests.factories import API, made
from tests.racing import at_once


def a_person(admin, email="carol@example.org", organization="ada-org", role="admin"):
    return made(admin, "people", {"email": email, "name": "Carol", "organization": organization, "role": role})


def a_key(admin, person, organization="ada-org", role="admin"):
    return made(admin, "keys", {"role": role, "organization": organization, "person": person["email"]})["key"]


def opens(client, key):
    return client.get(f"{API}/me", headers={"Authorization": f"Bearer {key}"}).status_code


def with_key(client, key, method, path, **options):
    return client.request(method, f"{API}/{path}", headers={"Authorization": f"Bearer {key}"}, **options)


def newest_event(client):
    return client.get(f"{API}/events", params={"limit": 200}).json()["items"][-1]


@pytest.fixture
def admin(client_for):
    return client_for("admin")


@pytest.fixture
def carol(admin):
    return a_person(admin)


def test_a_person_is_read_alone_as_in_the_list(admin, carol):
    alone = admin.get(f"{API}/people/{carol['id']}").json()

    assert alone == carol == admin.get(f"{API}/people").json()["items"][0]
    assert admin.get(f"{API}/people/{carol['id'][:-4]}0000").status_code == 404


def test_the_keys_of_a_person_who_is_disabled_open_nothing_until_they_are_enabled(admin, client, carol):
    key = a_key(admin, carol)
    address = f"{API}/people/{carol['id']}"

    disabled = admin.patch(address, json={"disabled": True})
    refused = client.get(f"{API}/me", headers={"Authorization": f"Bearer {key}"})
    enabled = admin.patch(address, json={"disabled": False})

    assert (disabled.status_code, disabled.json()["disabled_at"] is None) == (200, False)
    assert (refused.status_code, refused.json()["detail"]) == (401, "This person's access has ended.")
    assert (enabled.json(), opens(client, key)) == (carol, 200)


def test_staff_read_in_the_ledger_that_access_ended_and_not_whose_name_it_was(admin, client, carol):
    told = []
    for disabled in (True, True, False):
        admin.patch(f"{API}/people/{carol['id']}", json={"disabled": disabled})
        told.append(newest_event(admin))

    assert [event["type"] for event in told] == ["person.disabled", "person.disabled", "person.enabled"]
    assert told[0] == told[1]  # again changes nothing
    assert told[0]["data"] == {"person": {"id": carol["id"]}}
    assert "person." not in client.get(f"{API}/events").text


def test_whoever_leaves_an_organization_keeps_what_they_have_in_another(admin, client, client_for, carol):
    client_for("viewer", "eve-org")
    a_person(admin, organization="eve-org", role="viewer")
    here, there = a_key(admin, carol), a_key(admin, carol, "eve-org", "viewer")
    address = f"{API}/people/{carol['id']}"

    left = admin.delete(f"{address}/memberships/ada-org")

    assert (left.status_code, left.content) == (204, b"")
    assert admin.get(address).json()["memberships"] == [{"organization": "eve-org", "role": "viewer"}]
    assert (opens(client, here), opens(client, there)) == (401, 200)
    event = newest_event(admin)
    assert (event["type"], event["data"]["person"]) == ("person.left", {"id": carol["id"], "organization": "ada-org"})
    again = admin.delete(f"{address}/memberships/ada-org")
    assert (again.status_code, again.json()["detail"]) == (404, "carol@example.org has no role in ada-org.")
    assert admin.delete(f"{address}/memberships/no-org").status_code == 404


@pytest.mark.parametrize("how", ["disabled", "left", "revoked"])
def test_nobody_locks_everyone_out(admin, client, carol, how):
    key = a_key(admin, carol)
    mine, theirs = admin.get(f"{API}/keys").json()["items"][::-1]
    assert with_key(client, key, "DELETE", f"keys/{mine['id']}").status_code == 204

    if how == "disabled":
        refused = with_key(client, key, "PATCH", f"people/{carol['id']}", json={"disabled": True})
    elif how == "left":
        refused = with_key(client, key, "DELETE", f"people/{carol['id']}/memberships/ada-org")
    else:
        refused = with_key(client, key, "DELETE", f"keys/{theirs['id']}")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/last-admin")
    assert opens(client, key) == 200


def test_of_two_admins_who_end_each_other_s_access_one_stays(admin, client):
    people = [a_person(admin, email=f"{name}@example.org") for name in ("carol", "dave")]
    keys = [a_key(admin, person) for person in people]
    mine = admin.get(f"{API}/keys").json()["items"][-1]
    with_key(client, keys[0], "DELETE", f"keys/{mine['id']}")

    def disable(key, person):
        return with_key(client, key, "PATCH", f"people/{person['id']}", json={"disabled": True}).status_code

    at_once([lambda: disable(keys[0], people[1]), lambda: disable(keys[1], people[0])])

    assert sorted(opens(client, key) for key in keys) == [200, 401]


def test_no_key_of_a_person_can_do_more_than_they_may(admin):
    partner = a_person(admin, role="partner")
    new = {"organization": "ada-org", "person": partner["email"]}

    answers = {
        role: admin.post(f"{API}/keys", json={**new, "role": role}) for role in ("viewer", "partner", "editor", "admin")
    }

    statuses = {role: answer.status_code for role, answer in answers.items()}
    assert statuses == {"viewer": 201, "partner": 201, "editor": 422, "admin": 422}
    assert answers["admin"].json()["errors"][0]["where"] == "body.role"
    assert "is partner of ada-org" in answers["admin"].json()["detail"]
    assert len(admin.get(f"{API}/keys").json()["items"]) == 3


def test_people_are_for_admins(client, client_for, carol):
    clients = [client, *map(client_for, ("viewer", "partner", "campaigner", "editor"))]
    address = f"{API}/people/{carol['id']}"

    for one, status in zip(clients, (401, 403, 403, 403, 403), strict=True):
        assert one.get(address).status_code == status
        assert one.patch(address, json={"disabled": True}).status_code == status
        assert one.delete(f"{address}/memberships/ada-org").status_code == status


def test_what_cannot_be_revised_is_refused_by_name(admin, carol):
    for change, where in (
        ({"disabled": "x"}, "body.disabled"),
        ({"disabled": None}, "body.disabled"),
        ({"x": 1}, "body.x"),
    ):
        refused = admin.patch(f"{API}/people/{carol['id']}", json=change)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, where)
