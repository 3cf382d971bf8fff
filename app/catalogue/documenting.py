"""The webhooks section of the OpenAPI document."""

from typing import Any

from app.catalogue.messages import MEANINGS, schemas_of_all
from app.catalogue.queries import example_of
from app.documenting import PLACES, Document, add_schemas
from app.webhooks.signing import SIGNED_WITH

RESPONSES = {
    "2XX": {"description": "Delivered. Answer first, and work afterwards."},
    "410": {"description": "Disables the webhook."},
    "4XX": {"description": "Not wanted: set aside as undelivered, unless it is one that is tried again (see README)."},
    "5XX": {"description": "In trouble: the same message comes again, later and later, and those after it wait."},
}


def add_webhooks(document: Document) -> None:
    """What we send, as it is written and not as it is read."""
    messages, definitions = schemas_of_all(PLACES)
    add_schemas(document, definitions)
    document["webhooks"] = {name: {"post": _operation(name, schema)} for name, schema in sorted(messages.items())}


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
