"""Whoever sends nonsense by the megabyte gets a short answer."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.fields import MOST_VALUES
from app.problems import MOST_TOLD
from tests.databases import on_sqlite
from tests.factories import API

SHORT = 2_000
MANY = 3_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FOLLOW = {"email": "reader@example.org", "pace": "daily"}

pytestmark = on_sqlite


def writes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """The routes that take a body, with their addresses."""
    nothing = "00000000-0000-7000-8000-000000000000"
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                names = {parameter["name"]: nothing for parameter in operation.get("parameters", ())}
                yield method, path.format_map(names)


def test_no_route_tells_every_one_of_countless_wrong_values(app, client_for) -> None:
    admin = client_for("admin")
    nonsense: list[Any] = [
        {f"member{number}": number for number in range(MANY)},
        {"member": ["A!"] * MANY},
        {"member": [{"A!": ["A!"]}] * MANY},
    ]

    for method, path in writes(app):
        for body in nonsense:
            answer = admin.request(method, path, json=body, headers={"If-Match": "*"})
            assert 400 <= answer.status_code < 500, f"{method} {path}: {answer.text[:SHORT]}"
            assert len(answer.content) < SHORT, f"{method} {path}"


def test_too_many_values_are_told_as_one_mistake(client: TestClient) -> None:
    for too_many in ({"filters": {"tag": ["A!"] * MANY}}, {"types": ["A!"] * MANY}):
        answer = client.post(f"{API}/follows", json={**FOLLOW, **too_many})

        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"where": "body", "what": f"this has more than {MOST_VALUES} values"}]


def test_what_the_schema_allows_is_never_too_much(app) -> None:
    document = app.openapi()
    schemas = document["components"]["schemas"]

    def most_values(schema: dict[str, Any]) -> int:
        if "$ref" in schema:
            return most_values(schemas[schema["$ref"].rpartition("/")[2]])
        within = [most_values(other) for other in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))]
        if schema.get("type") == "array":
            within.append(schema["maxItems"] * (1 + most_values(schema["items"])))
        if schema.get("type") == "object":
            own = sum(1 + most_values(member) for member in schema.get("properties", {}).values())
            others = schema.get("additionalProperties") or {}
            within.append(own + (schema["maxProperties"] * (1 + most_values(others)) if others else 0))
        return max(within, default=0)

    for operations in document["paths"].values():
        for operation in operations.values():
            for body in operation.get("requestBody", {}).get("content", {}).values():
                assert 0 < most_values(body["schema"]) <= MOST_VALUES, operation["operationId"]


def test_of_many_wrong_values_the_first_are_told_and_the_others_counted(client: TestClient) -> None:
    answer = client.post(f"{API}/follows", json={**FOLLOW, "filters": {"tag": ["A!"] * 45}})

    problem = answer.json()
    assert answer.status_code == 422
    assert [error["where"] for error in problem["errors"]] == [f"body.filters.tag.{n}" for n in range(MOST_TOLD)]
    assert problem["more_errors"] == 45 - MOST_TOLD


def test_a_name_made_up_at_length_is_told_in_part(client: TestClient) -> None:
    answer = client.post(f"{API}/follows", json={**FOLLOW, "filters": {"x" * 500_000: 1}})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"].startswith("body.filters.xxx")
    assert len(answer.content) < SHORT


def test_words_of_an_address_without_end_are_told_as_one_mistake(client: TestClient) -> None:
    many = range(4_000)

    for words in ("&".join("tag=A!" for _ in many), "&".join(f"word{number}=x" for number in many)):
        answer = client.get(f"{API}/events?{words}")

        assert answer.status_code == 422
        assert len(answer.content) < SHORT


def test_a_form_repeats_only_so_much_of_what_was_sent(client: TestClient) -> None:
    fields = "&".join(f"k{number}=x" for number in range(MOST_VALUES + 1))

    for form in (fields, "tag=" + "x" * 100_000, "&".join(["tag=A!"] * 100_000)):
        answer = client.post("/follow", content=f"email=a@example.org&pace=daily&{form}", headers=FORM)

        assert answer.status_code == 413
        assert len(answer.content) < SHORT
