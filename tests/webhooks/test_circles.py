"""Each webhook is told what its own circle may see: no less than the API shows it, and no more."""

import pytest

from tests.factories import API, a_demand, a_source, an_organization, change, made
from tests.webhooks.deliveries import a_webhook

HOOK = "http://127.0.0.1:9999/"
PUBLIC = "stranger-org"


@pytest.fixture
def stranger(client_for):
    """Of an organization that reads no more than everyone."""
    client = client_for("partner", PUBLIC)
    assert client_for("admin").patch(f"{API}/organizations/{PUBLIC}", json={"reads": "public"}).status_code == 200
    return client


@pytest.fixture
def readers(eve, stranger):
    """A client and a webhook for all that concerns demands, of each circle."""
    return [(client, a_webhook(client, HOOK)) for client in (eve, stranger)]


def polled(client, webhook):
    messages = client.get(f"{API}/webhooks/{webhook['id']}/events", params={"limit": 100}).json()["items"]
    return [message for message in messages if message["type"].startswith("demand.")]


def test_issuers_are_those_that_the_demand_shows_them(ada, readers):
    known, unknown = (an_organization(ada, audience=audience)["slug"] for audience in ("partners", "staff"))
    ref = a_demand(ada, issuers=[known, unknown])["ref"]

    told = [[issuer["slug"] for issuer in polled(*reader)[-1]["data"]["demand"]["issuers"]] for reader in readers]

    shown = [[issuer["slug"] for issuer in get(client, f"demands/{ref}")["issuers"]] for client, _ in readers]
    assert told == shown == [[known], []]


def record_each(client, ref, source):
    """One of each record that has citations."""
    cited = {"citations": [{"source": source, "stance": "supports"}]}
    body = get(client, f"demands/{ref}")["targets"][0]["body"]["slug"]
    change(client, ref, "in_progress", **cited)
    made(client, f"demands/{ref}/updates", {"text": "It goes on.", "on": "2024-03-01", **cited})
    made(client, f"demands/{ref}/responses", {"body": body, "response": "noted", "on": "2024-03-01", **cited})
    made(client, f"demands/{ref}/readings", {"value": 5, "on": "2024-03-01", **cited})
    made(client, f"demands/{ref}/citations", {"source": source, "stance": "supports"})


def test_evidence_is_that_which_they_may_see(ada, readers):
    source = a_source(ada, audience="partners")["slug"]
    ref = a_demand(ada, indicator={"name": "released", "unit": "people"})["ref"]

    record_each(ada, ref, source)

    of_partners, of_others = ([message["data"] for message in polled(*reader)[1:]] for reader in readers)
    records = ["change", "update", "response", "reading"]
    *with_records, cited = of_partners
    assert [sources(data[record]) for data, record in zip(with_records, records, strict=True)] == [[source]] * 4
    assert cited["citation"]["source"]["slug"] == source
    assert [sources(data[record]) for data, record in zip(of_others, records, strict=True)] == [[]] * 4


def sources(record):
    return [citation["source"]["slug"] for citation in record["citations"]]


def test_an_issuer_is_a_word_to_follow_by_for_those_who_may_see_it(ada, eve, client, client_for):
    issuer = an_organization(ada, audience="partners")["slug"]
    webhook = a_webhook(eve, HOOK, filters={"issuer": [issuer]})
    a_demand(ada, issuers=[issuer])

    asked = [reader.get(f"{API}/events", params={"issuer": issuer}) for reader in (eve, client)]

    assert [message["type"] for message in polled(eve, webhook)] == ["demand.published"]
    assert [event["type"] for event in asked[0].json()["items"]] == ["demand.published"]
    assert asked[1].status_code == 422


def test_who_followed_an_issuer_before_it_was_hidden_is_told_of_nothing_new(ada, eve):
    issuer = an_organization(ada)["slug"]
    webhook = a_webhook(eve, HOOK, filters={"issuer": [issuer]})
    hidden = ada.patch(f"{API}/organizations/{issuer}", json={"audience": "staff"}, headers={"If-Match": "*"})
    assert hidden.status_code == 200

    a_demand(ada, issuers=[issuer])

    assert polled(eve, webhook) == []


def test_what_is_kept_for_partners_is_taken_from_others_and_left_to_them(ada, readers):
    ref = a_demand(ada)["ref"]

    kept = ada.patch(f"{API}/demands/{ref}", json={"audience": "partners"}, headers={"If-Match": "*"})

    assert kept.status_code == 200
    of_partners, of_others = ([message["type"] for message in polled(*reader)] for reader in readers)
    assert of_partners == ["demand.published", "demand.revised"]
    assert of_others == ["demand.unpublished"]


def get(client, path):
    return client.get(f"{API}/{path}").json()
