"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from app.problems import Problem, ProblemDocument

Document = dict[str, Any]
PLACES = "#/components/schemas/{model}"
HEADERS = {
    "ETag": "The version that this is: for `If-None-Match`, and for `If-Match` where it can be changed.",
    "Idempotency-Replayed": "`true` where this was done before, and is the answer of then.",
    "Link": 'The next page, as `<…>; rel="next"` (RFC 8288), where there is one.',
    "Location": "The address of what was made.",
    "Retry-After": "How many seconds to wait before asking again.",
    "WWW-Authenticate": "How to say who is asking (RFC 6750).",
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


def add_problems(document: Document) -> None:
    """What every response of `problems.responses` refers to."""
    schema = ProblemDocument.model_json_schema(mode="serialization", ref_template=PLACES)
    add_schemas(document, {**schema.pop("$defs"), ProblemDocument.__name__: schema})


def add_headers(document: Document) -> None:
    """What is not told by a route itself is told by what it takes, and by what else its address answers to."""
    paths: Document = document["paths"]
    of_problems = {str(kind.status): kind.headers for kind in Problem.__subclasses__()}
    for path, operations in paths.items():
        under = (paths[other] for other in paths if re.fullmatch(re.escape(path) + r"/\{\w+\}", other))
        made: Document = next(under, {})
        for method, operation in operations.items():
            of_success = list(_headers(method, operation, operations, made))
            for status, response in operation["responses"].items():
                names = of_success if status.startswith("2") else of_problems.get(status, [])
                if names:
                    described = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}
                    response["headers"] = described


def _headers(method: str, operation: Document, beside: Document, made: Document) -> Iterator[str]:
    taken = _taken(operation)
    if "idempotency-key" in taken:
        yield "Idempotency-Replayed"
    if "cursor" in taken:
        yield "Link"
    makes = method == "post" and "201" in operation["responses"] and "get" in made
    if makes:
        yield "Location"
    makes_or_shows = makes or method in ("get", "patch", "put")
    changing = operation if method in ("patch", "put") else (made if makes else beside).get("patch", {})
    if "304" in operation["responses"] or (makes_or_shows and "if-match" in _taken(changing)):
        yield "ETag"


def _taken(operation: Document) -> set[str]:
    return {parameter["name"].lower() for parameter in operation.get("parameters", [])}


def add_schemas(document: Document, schemas: Mapping[str, Any]) -> None:
    """By name; raises ValueError where the name stands for something else already."""
    components = document["components"]["schemas"]
    for name, schema in schemas.items():
        if components.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas are called {name}; give one of them another name.")
