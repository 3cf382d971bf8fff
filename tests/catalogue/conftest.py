from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.factories import API
from tests.webhooks.receiver import Receiver


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


def closed(schema: Any) -> Any:
    """The schema without leave for members that it does not know."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return {name: closed(part) for name, part in schema.items()} | more


@pytest.fixture
def validator(client):
    """`validator("demand.cited")`, of the schema at the address that the catalogue gives."""
    types = client.get(f"{API}/event-types").json()["items"]
    addresses = {each["name"]: each["json_schema"].partition("8000")[2] for each in types}
    validators: dict[str, Draft202012Validator] = {}

    def validator(name):
        if name not in validators:
            schema = client.get(addresses[name]).json()
            Draft202012Validator.check_schema(schema)
            validators[name] = Draft202012Validator(closed(schema), format_checker=Draft202012Validator.FORMAT_CHECKER)
        return validators[name]

    return validator
