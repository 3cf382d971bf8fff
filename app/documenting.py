"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from app import problems
from app.problems import Problem

Document = dict[str, Any]
Responses = dict[int | str, Any]
Kind = type[Problem]
PLACES = "#/components/schemas/{model}"
INTRODUCTION = """\
What human-rights campaigns demand of institutions, and what became of it. What holds everywhere:

- **Keys** are sent as `Authorization: Bearer dt_…`; to feeds and the calendar also as the password of any user. Reading
  needs none, as far as things are public. What a key may not see does not exist for it: 404, and in no list, count or
  feed.
- **Pages**: ask again with `next_cursor`, or follow the `Link` header, until there is none.
- **Filters**: a word that is repeated means *either*, different words narrow together. A word or value that does not
  exist is refused, never ignored.
- **Errors** are problem details (RFC 9457). Decide by their `type`, whose page says [what to do](/problems); `detail`
  says what was wrong, and what is allowed.
- **Repeating** a POST is safe with an `Idempotency-Key`: what was done with it is not done twice.
- **Edits** take the `ETag` of what was read as `If-Match`; 412 means that somebody was faster. PATCH is a JSON Merge
  Patch (RFC 7396): null takes away, what is absent stays.
- **Times** are RFC 3339 in UTC. **Dates** are as precise as their source: `2022-12-10`, `2022-12` or `2022`.
- **Following**: a cursor from before a backup was restored gets 410 and where to start again, never silence.
"""
TAGS = {
    "demands": "What is asked of institutions: lists, tables, calendars, and the life of a demand.",
    "records of a demand": "What happened to it: changes of status, responses, updates, readings, steps, citations.",
    "statistics": "What is counted, by the same filters as the list.",
    "changes": "Everything that happened, in its order: to poll, to stream, as feeds, and by e-mail.",
    "webhooks": "Every change that concerns you, signed, in order, retried. What is sent is under *Webhooks*.",
    "campaigns": "Sets of demands with a prefix, languages and a review interval.",
    "kinds": "What sorts of demands there are.",
    "bodies": "The institutions that demands are addressed to: a tree.",
    "sources": "The documents that everything is cited from.",
    "organizations": "Those who make demands, and those who work here.",
    "accounts": "People, their keys, and what a key may do.",
    "health": "For whatever starts, stops and watches processes.",
}
HEADERS = {
    "ETag": "The version that this is: for `If-None-Match`, and for `If-Match` where it can be changed.",
    "Idempotency-Replayed": "`true` where this was done before, and is the answer of then.",
    "Link": 'The next page, as `<…>; rel="next"` (RFC 8288), where there is one.',
    "Location": "The address of what was made.",
    "Retry-After": "How many seconds to wait before asking again.",
    "WWW-Authenticate": "How to say who is asking (RFC 6750, RFC 7617).",
}


def complete(app: FastAPI, *additions: Callable[[Document], None]) -> None:
    """Let the document of the application have these, each made once, when the document is first asked for."""
    derived = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            document = derived()
            for add in additions:
                add(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI offers


def announced(*kinds: Kind) -> Responses:
    """For the `responses` of a route: the kinds of problem that its shape does not tell of."""
    answers: Responses = {}
    announce({"responses": answers}, *kinds)
    return answers


def announce(operation: Document, *kinds: Kind) -> None:
    """The same, in the document: each kind is a line of what is said of its status."""
    schema = {"$ref": PLACES.format(model=ProblemDocument.__name__)}
    for kind in kinds:
        answer = operation["responses"].get(str(kind.status), {})
        is_ours = problems.MEDIA_TYPE in answer.get("content", {})
        lines = [*(answer["description"].splitlines() if is_ours else []), f"- `{kind.type}`: {kind.title()}"]
        operation["responses"][str(kind.status)] = {
            "description": "\n".join(dict.fromkeys(lines)),
            "content": {problems.MEDIA_TYPE: {"schema": schema}},
        }


class WrongValue(BaseModel):
    where: Annotated[str, Field(description="Its place in the request.", examples=["body.targets.0.body"])]
    what: str


class ProblemDocument(BaseModel):
    """Problem details (RFC 9457). Some kinds have members of their own, which `detail` tells of."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(description="The kind, which is stable: decide by this. Its page says what to do.")]
    title: Annotated[str, Field(description="The kind, in words.")]
    status: int
    detail: Annotated[str, Field(description="What was wrong, and what is allowed.")]
    errors: Annotated[list[WrongValue] | None, Field(description="Each value that was wrong.")] = None
    more_errors: Annotated[int | None, Field(description="How many more there are than are told.")] = None


def add_problems(document: Document) -> None:
    """What can go wrong with each operation, as far as its shape tells, and the schema of all of it."""
    schema = ProblemDocument.model_json_schema(mode="serialization", ref_template=PLACES)
    schema["properties"]["type"]["enum"] = [f"/problems/{kind.type}" for kind in problems.kinds()]
    add_schemas(document, {**schema.pop("$defs"), ProblemDocument.__name__: schema})
    for name in ("HTTPValidationError", "ValidationError"):  # what FastAPI would answer
        document["components"]["schemas"].pop(name, None)
    for path, operations in document["paths"].items():
        if path.startswith("/api/"):
            for method, operation in operations.items():
                announce(operation, *_told_by_shape(method, operation))
                for parameter in operation.get("parameters", []):
                    if parameter["name"] == "if-match":
                        parameter["required"] = "428" in operation["responses"]


def _told_by_shape(method: str, operation: Document) -> Iterator[Kind]:
    taken = taken_by(operation)
    yield from (problems.Malformed, problems.Unavailable)
    if method != "get":
        yield from (problems.Full, problems.Uncertain)
    if operation.get("security"):
        yield problems.Unauthenticated
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", [])):
        yield problems.NotFound
    if "after" in taken:
        yield problems.Gone
    if "if-match" in taken:
        yield problems.Stale
    if "requestBody" in operation:
        yield from (problems.Conflict, problems.TooLarge, problems.NotJson)
    if taken or "requestBody" in operation:
        yield problems.Invalid


def add_headers(document: Document) -> None:
    """What is not told by a route itself is told by what it takes, and by what else its address answers to."""
    paths: Document = document["paths"]
    of_problems = {str(kind.status): kind.headers for kind in Problem.__subclasses__()}
    for path, operations in paths.items():
        under = (paths[other] for other in paths if re.fullmatch(re.escape(path) + r"/\{\w+\}", other))
        made: Document = next(under, {})
        for method, operation in operations.items():
            operation["responses"] = dict(sorted(operation["responses"].items()))
            of_success = list(_headers(method, operation, operations, made))
            for status, response in operation["responses"].items():
                names = of_success if status.startswith("2") else of_problems.get(status, [])
                if names:
                    described = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}
                    response["headers"] = described


def _headers(method: str, operation: Document, beside: Document, made: Document) -> Iterator[str]:
    taken = taken_by(operation)
    if "idempotency-key" in taken:
        yield "Idempotency-Replayed"
    if "cursor" in taken:
        yield "Link"
    makes = method == "post" and "201" in operation["responses"] and "get" in made
    if makes:
        yield "Location"
    makes_or_shows = makes or method in ("get", "patch", "put")
    changing = operation if method in ("patch", "put") else (made if makes else beside).get("patch", {})
    if "304" in operation["responses"] or (makes_or_shows and "if-match" in taken_by(changing)):
        yield "ETag"


def taken_by(operation: Document) -> set[str]:
    """The names of its parameters, in small letters."""
    return {parameter["name"].lower() for parameter in operation.get("parameters", [])}


def add_schemas(document: Document, schemas: Mapping[str, Any]) -> None:
    """By name; raises ValueError where the name stands for something else already."""
    components = document["components"]["schemas"]
    for name, schema in schemas.items():
        if components.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas are called {name}; give one of them another name.")
