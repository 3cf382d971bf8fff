"""Feed readers and calendars send a key as a password (RFC 7617), where they read, and nowhere else."""

import pytest

from tests.factories import API, a_demand

WAYS = ("feed.atom", "feed.json", "demands/{ref}/feed.atom", "demands/{ref}/feed.json", "demands.ics")
WRONG = {
    "unknown": ("x", f"dt_{'0' * 10}_{'0' * 40}"),
    "no key": ("x", "secret"),
    "as the user": (f"dt_{'0' * 10}_{'0' * 40}", ""),
}


@pytest.fixture
def key(client_for):
    return client_for("partner", "bob-org").headers["Authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("way", WAYS)
def test_a_key_as_the_password_of_any_user_shows_what_the_key_may_see(ada, client, key, way):
    ref = a_demand(ada, audience="partners", deadline="2027-03-05")["ref"]
    address = f"{API}/{way.format(ref=ref)}"

    for user in ("x", "", "josé"):
        shown = client.get(address, auth=(user, key))
        assert shown.status_code == 200, shown.text
        assert ref in shown.text
        assert key not in shown.text
    assert client.head(address, auth=("x", key)).status_code == 200
    nobody = client.get(address)
    assert nobody.status_code == 404 or ref not in nobody.text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_one_is_refused_and_asked_for_again(ada, client, way, wrong):
    ref = a_demand(ada)["ref"]

    refused = client.get(f"{API}/{way.format(ref=ref)}", auth=WRONG[wrong])

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    assert refused.headers["www-authenticate"] == 'Basic realm="demand-tracker", Bearer realm="demand-tracker"'


@pytest.mark.parametrize("sent", ["Basic", "Basic ???", "Basic eA==", "Digest x", "Bearer x"])
def test_what_is_no_key_is_never_quietly_nobody(client, sent):
    refused = client.get(f"{API}/feed.atom", headers={"Authorization": sent})

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")


@pytest.mark.parametrize("way", ["demands", "demands.csv", "events", "ledger", "me", "webhooks"])
def test_no_other_route_takes_a_password(client, key, way):
    refused = client.get(f"{API}/{way}", auth=("x", key))

    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
    assert "Basic" not in refused.headers["www-authenticate"]


def test_the_document_tells_where_a_password_will_do(app):
    document = app.openapi()

    takes_passwords = {
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if {"HTTPBasic": []} in operation.get("security", [])
    }

    assert takes_passwords == {("get", f"{API}/{way}") for way in WAYS}
    assert document["components"]["securitySchemes"]["HTTPBasic"]["scheme"] == "basic"
    assert {"HTTPBearer": []} in document["paths"][f"{API}/feed.atom"]["get"]["security"]
