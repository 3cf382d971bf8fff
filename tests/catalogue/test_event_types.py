"""The catalogue of event types: what each means, an example, and a schema at an address that stays."""

import re

from app.catalogue.messages import TOLD
from app.ledger.types import EVENT_TYPES
from app.webhooks.answers import Answer, Outcome, outcome_of
from tests.factories import API


def test_every_type_of_event_has_a_shape():
    assert set(TOLD) == set(EVENT_TYPES)


def test_the_catalogue_says_what_each_means_with_an_example_that_fits(client, validator):
    listed = {each["name"]: each for each in client.get(f"{API}/event-types").json()["items"]}

    assert set(listed) == {*EVENT_TYPES, "webhook.test", "webhook.verification"}
    for name, each in listed.items():
        assert each["meaning"] == EVENT_TYPES.get(name, each["meaning"])
        assert each["example"]["type"] == name
        assert [error.message for error in validator(name).iter_errors(each["example"])] == [], name


def test_a_schema_is_a_document_of_its_own(client):
    answer = client.get(f"{API}/event-types/demand.status_changed/schema")

    schema = answer.json()
    assert answer.headers["Content-Type"] == "application/schema+json"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == "http://127.0.0.1:8000/api/v1/event-types/demand.status_changed/schema"
    assert schema["properties"]["type"]["const"] == "demand.status_changed"
    assert "StatusChangeRead" in schema["$defs"]
    assert "SourceRead" not in schema["$defs"]
    assert client.get(f"{API}/event-types/demand.exploded/schema").status_code == 404


def test_the_openapi_document_has_every_message_with_the_same_shape(app, client):
    document = app.openapi()

    assert set(document["webhooks"]) == {*EVENT_TYPES, "webhook.test", "webhook.verification"}
    operation = document["webhooks"]["demand.cited"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    place = content["schema"]["$ref"].rpartition("/")[2]
    own = client.get(f"{API}/event-types/demand.cited/schema").json()
    assert document["components"]["schemas"][place]["properties"]["type"] == own["properties"]["type"]
    assert str(document["components"]["schemas"]["Cited" + "InFull"]).replace("components/schemas", "$defs") == str(
        own["$defs"]["CitedInFull"]
    )
    assert content["example"]["type"] == "demand.cited"
    assert [parameter["name"] for parameter in operation["parameters"]] == [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]


def test_the_openapi_document_says_what_each_answer_to_a_message_leads_to(app):
    steps = "after 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 2 h, 4 h, and then every 8 h, each ±20%"

    told = {
        status: response["description"]
        for status, response in app.openapi()["webhooks"]["demand.cited"]["post"]["responses"].items()
    }

    again = [status for status in range(400, 500) if outcome_of(Answer(status)) is Outcome.RETRY]
    assert list(told) == ["2XX", "3XX", "410", "4XX", "5XX"]
    assert "within 15 s" in told["2XX"]
    assert "first 8 KiB" in told["2XX"]
    assert all(
        steps in told[status] and "`Retry-After`, of which 24 h at most" in told[status] for status in ("3XX", "5XX")
    )
    assert [int(status) for status in re.findall(r"\d{3}", told["4XX"])] == again
    assert "Disables the webhook" in told["410"]


def test_a_receiver_is_told_how_to_prove_whose_it_is(app):
    responses = app.openapi()["webhooks"]["webhook.verification"]["post"]["responses"]

    assert "the challenge alone" in responses["2XX"]["description"]
    assert list(responses) == ["2XX", "default"]
