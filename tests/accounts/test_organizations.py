"""Organizations, and who may see that they are here."""

from fastapi.testclient import TestClient

from tests.factories import API, an_organization


def test_only_an_editor_shows_a_hidden_organization_to_more_people(ada: TestClient, client_for) -> None:
    address = f"{API}/organizations/{an_organization(ada, audience='staff')['slug']}"

    refused = client_for("campaigner").patch(address, json={"audience": "public"})

    assert refused.status_code == 403
    assert ada.patch(address, json={"audience": "public"}).status_code == 200


def test_only_an_editor_takes_an_organization_from_view(ada: TestClient, client: TestClient, client_for) -> None:
    address = f"{API}/organizations/{an_organization(ada)['slug']}"

    refused = [client_for("campaigner").patch(address, json={"audience": circle}) for circle in ("partners", "staff")]

    assert [answer.status_code for answer in refused] == [403, 403]
    assert client.get(address).status_code == 200


def test_how_far_an_organization_reads_is_shown_to_staff(
    ada: TestClient, eve: TestClient, client: TestClient, client_for
) -> None:
    slug = an_organization(ada)["slug"]
    address = f"{API}/organizations/{slug}"

    raised = client_for("admin").patch(address, json={"reads": "staff"})

    assert (raised.status_code, raised.json()["reads"]) == (200, "staff")
    assert [reader.get(address).json()["reads"] for reader in (ada, eve, client)] == ["staff", None, None]
    listed = client.get(f"{API}/organizations").json()["items"]
    assert {organization["reads"] for organization in listed} == {None}
    told = [
        reader.get(f"{API}/events", params={"types": "organization.revised"}).json()["items"]
        for reader in (ada, client)
    ]
    assert [[event["data"]["organization"]["slug"] for event in events] for events in told] == [[slug], []]
    assert told[0][0]["data"]["organization"]["reads"] is None


def test_those_who_could_see_an_organization_learn_that_it_was_taken_from_view(
    ada: TestClient, client: TestClient
) -> None:
    slug = an_organization(ada, name="Hidden From Now On")["slug"]

    ada.patch(f"{API}/organizations/{slug}", json={"audience": "staff"})

    told = client.get(f"{API}/events", params={"types": "organization.withdrawn"}).json()["items"]
    assert [event["data"] for event in told] == [{"organization": {"slug": slug}}]
    assert "Hidden From Now On" not in client.get(f"{API}/events").text
    assert client.get(f"{API}/organizations/{slug}").status_code == 404
