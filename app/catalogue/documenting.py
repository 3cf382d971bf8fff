"""The webhooks section of the OpenAPI document."""

from typing import Any

from fastapi import FastAPI

from app.catalogue.messages import MEANINGS, schemas_of_all
from app.catalogue.queries import example_of
from app.webhooks.signing import SIGNED_WITH

PLACES = "#/components/schemas/{model}"
RESPONSES = {
    "2XX": {"description": "Delivered. Answer first, and work afterwards."},
    "410": {"description": "Disables the webhook."},
    "4XX": {"description": "Not wanted: set aside as undelivered, unless it is one that is tried again (see README)."},
    "5XX": {"description": "In trouble: the same message comes again, later and later, and those after it wait."},
}


def document_webhooks(app: FastAPI) -> None:
    """Let the document have what FastAPI cannot derive: what we send, as it is written and not as it is read."""
    derived = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_webhooks(derived())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI offers


def _with_webhooks(document: dict[str, Any]) -> dict[str, Any]:
    messages, definitions = schemas_of_all(PLACES)
    components = document["components"]["schemas"]
    for name, schema in definitions.items():
        if components.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas are called {name}; give one of them another name.")
    document["webhooks"] = {name: {"post": _operation(name, schema)} for name, schema in sorted(messages.items())}
    return document


def _operation(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["webhooks"],
        "operationId": f"receive_{name.replace('.', '_')}",
        "summary": MEANINGS[name],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": what, "schema": {"type": "string"}}
            for header, what in SIGNED_WITH.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example_of(name)}},
        },
        "responses": RESPONSES,
    }
