"""The OpenAPI document tells the truth: no request gets an answer that it does not announce, or a server error."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from app import documenting, problems
from app.changes import feed
from tests.databases import on_sqlite
from tests.doors import DOORS
from tests.factories import (
    API,
    a_body,
    a_campaign,
    a_draft,
    a_kind,
    a_source,
    an_organization,
    change,
    made,
    publish,
)
from tests.scene import SHY, STAFF, build

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
THOROUGH = {"sqlite": (3, 2), "postgresql": (1, 1)}  # edge cases and random requests for each operation
BRIEF = (3, 1)
Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]
SAME = "same"  # the slug of everything that has one, so that one word is known everywhere
REFS = ["SAME-1", "SAME-2"]
ENDLESS = "/api/v1/events/stream"  # its answer ends with its reader; tests/changes has it


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    follow = feed.follow

    def follow_at_once(database, lookout, actor, key, query, receive):
        return follow(database, lookout, actor, key, query.model_copy(update={"wait": 0}), receive)

    monkeypatch.setattr(feed, "follow", follow_at_once)


@pytest.fixture
def known(ada) -> dict[str, list[str]]:
    """Values that requests may hit upon, by where they belong."""
    a_campaign(ada, slug=SAME, prefix="SAME")
    a_kind(ada, slug=SAME)
    a_body(ada, slug=SAME)
    a_source(ada, slug=SAME)
    an_organization(ada, slug=SAME)
    for _ in REFS:
        a_draft(
            ada,
            campaign=SAME,
            kind=SAME,
            targets=[{"body": SAME, "role": "decides"}],
            issuers=[SAME],
            indicator={"name": "released", "unit": "people"},
        )
    publish(ada, REFS[0])
    met = change(ada, REFS[0], "met", citations=[{"source": SAME, "stance": "supports"}])
    step = made(ada, f"demands/{REFS[0]}/milestones", {"title": "A step"})
    return {
        "path.ref": REFS,
        "path.slug": [SAME],
        "path.change_id": [met["id"]],
        "path.milestone_id": [step["id"]],
        "query.demand": REFS,
        **{f"query.{name}": [SAME] for name in ("campaign", "kind", "body", "issuer", "source")},
        "header.If-Match": ["*", '"1"', '"99"'],
        **{f"body.{name}": [SAME] for name in ("campaign", "body", "organization", "source", "parent")},
        "body.targets[*].body": [SAME],
        "body.citations[*].source": [SAME],
        "body.issuers[*]": [SAME],
        "body.successor": REFS,
    }


@pytest.fixture
def api(app, known) -> OpenApiSchema:
    config = {
        "generation": {"with-security-parameters": False},
        "dictionaries": {name: {"values": values} for name, values in known.items()},
        "parameters": {name: {"dictionary": name, "probability": 0.8} for name in known},
    }
    return schemathesis.openapi.from_dict(app.openapi(), config=schemathesis.Config.from_dict(config))


def test_the_document_is_openapi(app):
    api = schemathesis.openapi.from_dict(app.openapi())

    api.validate()

    assert app.openapi()["openapi"].startswith("3.1.")


def test_whatever_the_document_refers_to_is_in_it(app):
    document = app.openapi()

    places = set(references(document))

    assert "#/components/schemas/ProblemDocument" in places
    assert places <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_whatever_a_request_may_say_in_its_address_or_headers_is_explained(app):
    silent = {
        f"{name}: {parameter['name']}"
        for name, (operation, _) in announced_operations(app.openapi())
        for parameter in operation.get("parameters", [])
        if parameter["in"] != "path" and not parameter.get("description")
    }

    assert silent == set()


def test_every_tag_is_explained(app):
    document = app.openapi()

    used = {tag for operations in document["paths"].values() for each in operations.values() for tag in each["tags"]}

    assert [tag["name"] for tag in document["tags"]] == list(documenting.TAGS)
    assert used == set(documenting.TAGS)


def test_no_schema_is_named_after_a_module(app):
    schemas = app.openapi()["components"]["schemas"]

    assert [name for name in schemas if "__" in name] == []


def test_each_operation_announces_the_problems_that_its_parameters_can_bring(app):
    operations = dict(announced_operations(app.openapi()))
    expected = {
        name: {
            "401": "security" in operation,
            "403": any(roles for requirement in operation.get("security", []) for roles in requirement.values()),
            "404": "{" in name or name == "POST /api/v1/redactions",
            "410": "after" in parameters,
            "412": "if-match" in parameters,
            "413": "requestBody" in operation,
            "415": "requestBody" in operation,
            "428": parameters.get("if-match", False),
        }
        for name, (operation, parameters) in operations.items()
    }

    announced = {
        name: {status: status in operation["responses"] for status in expected[name]}
        for name, (operation, _) in operations.items()
    }

    assert announced == expected
    assert {"401", "403", "410"}.isdisjoint(operations[f"GET {API}/webhooks/{{webhook_id}}/public-key"][0]["responses"])


def announced_operations(document: dict[str, Any]) -> Iterator[tuple[str, tuple[dict[str, Any], dict[str, bool]]]]:
    """Those of the API, each with the names of its parameters and whether they are compulsory."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parameters = {each["name"].lower(): each.get("required", False) for each in operation.get("parameters", [])}
            if path.startswith(API):
                yield f"{method.upper()} {path}", (operation, parameters)


def test_a_key_is_said_to_be_needed_where_nobody_is_let_in_without_one(app, client):
    for name, (operation, _) in announced_operations(app.openapi()):
        method, path = name.split()
        if path != ENDLESS:
            answer = client.request(method, path.replace("{", "").replace("}", ""))

            is_needed = answer.status_code == 401

            assert is_needed == ("403" in operation["responses"]), name


def test_only_what_says_so_refuses_to_be_changed_without_if_match(app, ada):
    ref, body = a_draft(ada)["ref"], a_body(ada)["slug"]

    blind = ada.patch(f"{API}/demands/{ref}", json={"title": "Another"})
    trusting = ada.patch(f"{API}/bodies/{body}", json={"acronym": "B"})

    assert (blind.status_code, trusting.status_code) == (428, 200)
    [needing] = [name for name, (_, of) in announced_operations(app.openapi()) if of.get("if-match")]
    assert needing == f"PATCH {API}/demands/{{ref}}"


def test_every_kind_of_problem_is_announced_somewhere(app):
    anywhere = {
        line
        for _, (operation, _) in announced_operations(app.openapi())
        for answer in operation["responses"].values()
        for line in re.findall(r"^- `([a-z-]+)`: ", answer["description"], re.MULTILINE)
    }

    silent = {kind.type for kind in problems.kinds()} - anywhere

    assert silent == {"internal", "method-not-allowed"}


def test_an_admin_gets_no_answer_that_is_not_announced(kind, api, client_for):
    try_out(client_for("admin"), api, *THOROUGH[kind])


@on_sqlite
def test_nobody_in_particular_gets_no_answer_that_is_not_announced(api, client):
    try_out(client, api, *BRIEF)


def test_what_people_do_is_answered_as_announced(app, client, client_for):
    """Every route that writes, with what it is for; the table of routes and actors has those that read."""
    api = schemathesis.openapi.from_dict(app.openapi())
    announced = set()
    carried: dict[str, list[set[str]]] = {}

    def check_announced(answer: Any) -> None:
        answer.read()
        operation = api.find_operation_by_path(answer.request.method, answer.request.url.path)
        assert operation
        operation.validate_response(answer)
        if answer.status_code >= 400:
            assert_announced(operation.definition.raw, answer)
        announced.add(f"{operation.label} {answer.status_code}")
        names = {name for name in documenting.HEADERS if name in answer.headers}
        if answer.is_success:
            carried.setdefault(f"{operation.label} {answer.status_code}", []).append(names)

    def checking(client: TestClient) -> TestClient:
        client.event_hooks = {"request": [], "response": [check_announced]}
        return client

    roles = {"stranger": "partner", **{role: role for role in STAFF | {"viewer", "partner"}}}
    clients = {actor: checking(client_for(role, f"{actor}-org")) for actor, role in roles.items()}
    scene = build(
        {"anonymous": checking(client), **clients},
        second=checking(client_for("editor", "second-org")),
        shy=checking(client_for("campaigner", SHY)),
    )
    for name, door in DOORS.items():
        if name.startswith("GET /api/v1/"):
            for ask in islice(door.asks(scene), 2):
                clients["admin"].get(ask.path, params=ask.params, headers=ask.headers)

    assert {f"{name} 200" for name in DOORS if name.startswith("GET /api/v1/")} <= announced
    assert {f"POST /api/v1/{name} 201" for name in ("demands", "sources", "webhooks", "keys", "people")} <= announced
    assert wrongly_described(app.openapi(), carried) == {}


def wrongly_described(document: dict[str, Any], carried: dict[str, list[set[str]]]) -> dict[str, Any]:
    """The answers whose headers are not those that the document has for them; some it need not always carry."""
    wrong = {}
    for answered, names in carried.items():
        method, path, status = answered.split()
        described = set(document["paths"][path][method.lower()]["responses"][status].get("headers", {}))
        always = described - {"Link", "Idempotency-Replayed"}
        if not all(always <= each <= described for each in names):
            wrong[answered] = (described, names)
    return wrong


def references(part: Any) -> Iterator[str]:
    """Wherever in the document they are."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def try_out(client: TestClient, api: OpenApiSchema, edges: int, examples: int) -> None:
    """Send every operation so many edge cases and so many valid requests, the same in every run."""
    failures = []
    for operation in operations(api):
        try:
            for case in edge_cases(api, operation, edges):
                check(client, case)
            send_valid(client, operation, examples)
        except Exception as failure:  # noqa: BLE001  # of any kind, and all are shown together
            failure.add_note(operation.label)
            failures.append(failure)
    if failures:
        raise ExceptionGroup("Answers that the document does not announce", failures)


def operations(api: OpenApiSchema) -> list[Operation]:
    found = [operation.ok() for operation in api.get_all_operations() if isinstance(operation, Ok)]
    return [operation for operation in found if operation.path != ENDLESS]


def edge_cases(api: OpenApiSchema, operation: Operation, limit: int) -> Iterator[Request]:
    """At most so many of all that schemathesis knows, from all over them."""
    generation = api.config.generation_for(operation=operation)
    modes = list(GenerationMode)
    cases = list(api.iter_coverage_cases(operation, generation_modes=modes, generation_config=generation))
    return islice(cases, 0, None, -(-len(cases) // limit) or 1)


def send_valid(client: TestClient, operation: Operation, examples: int) -> None:
    @bounds(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def send(case: Request) -> None:
        check(client, case)

    send()


def check(client: TestClient, case: Request) -> None:
    answer = client.request(**request_of(case))

    case.validate_response(answer, checks=CHECKS)
    if answer.status_code >= 400 and case.method != "HEAD":
        assert_a_known_problem(answer)
    if answer.status_code >= 400 and answer.status_code != 405 and case.method != "HEAD":
        assert_announced(case.operation.definition.raw, answer)


def request_of(case: Request) -> dict[str, Any]:
    """In the words of httpx instead of those of requests."""
    request = case.as_transport_kwargs(base_url="http://testserver")
    del request["cookies"]
    if "data" in request:
        request["content"] = request.pop("data")
    request["headers"] = {name: value.encode() for name, value in request["headers"].items()}
    return request


def assert_announced(operation: dict[str, Any], answer: Any) -> None:
    kind = answer.json()["type"].removeprefix("/problems/")
    assert f"- `{kind}`: " in operation["responses"][str(answer.status_code)]["description"]


def assert_a_known_problem(answer: Any) -> None:
    assert answer.headers["Content-Type"] == problems.MEDIA_TYPE
    problem = answer.json()
    kinds = {f"/problems/{kind.type}": kind for kind in problems.kinds()}
    assert problem["type"] in kinds
    kind = kinds[problem["type"]]
    assert problem["status"] == answer.status_code == kind.status
    assert problem["title"] == (kind.__doc__ or "").strip()
    assert problem["detail"]
