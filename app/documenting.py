"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI

from app.problems import ProblemDocument

Document = dict[str, Any]
PLACES = "#/components/schemas/{model}"


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


def add_schemas(document: Document, schemas: Mapping[str, Any]) -> None:
    """By name; raises ValueError where the name stands for something else already."""
    components = document["components"]["schemas"]
    for name, schema in schemas.items():
        if components.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas are called {name}; give one of them another name.")
