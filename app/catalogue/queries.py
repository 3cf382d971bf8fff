"""Questions about the catalogue, which is the same for everyone."""

from functools import cache
from typing import Any

from app.catalogue.examples import example
from app.catalogue.messages import MEANINGS, Schema, schemas_of_all
from app.catalogue.schemas import EventTypeRead, EventTypes
from app.problems import NotFound

DIALECT = "https://json-schema.org/draft/2020-12/schema"
HERE = "#/$defs/{model}"


@cache
def list_event_types(api_url: str) -> EventTypes:
    """In the order of their names."""
    return EventTypes(
        items=[
            EventTypeRead(name=name, meaning=meaning, json_schema=_address(api_url, name), example=example_of(name))
            for name, meaning in sorted(MEANINGS.items())
        ]
    )


def read_schema(api_url: str, name: str) -> Schema:
    """A document of its own. Raises NotFound."""
    if name not in MEANINGS:
        raise NotFound(f"There is no event type {name}.")
    schemas, definitions = schemas_of_all(HERE)
    message = _resolved(schemas[name], definitions)
    return {"$schema": DIALECT, "$id": _address(api_url, name), **message, "$defs": _needed(message, definitions)}


def example_of(name: str) -> Any:
    """A message of this type in full."""
    schemas, definitions = schemas_of_all(HERE)
    return example(schemas[name], definitions)


def _address(api_url: str, name: str) -> str:
    return f"{api_url}/event-types/{name}/schema"


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    return definitions[_name(schema["$ref"])] if "$ref" in schema else schema


def _needed(schema: Schema, definitions: dict[str, Schema]) -> dict[str, Schema]:
    """What the schema refers to, directly or through others."""
    needed: dict[str, Schema] = {}
    waiting = [schema]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in needed:
                needed[name] = definitions[name]
                waiting.append(definitions[name])
    return dict(sorted(needed.items()))


def _references(part: Any) -> list[str]:
    if isinstance(part, list):
        return [name for item in part for name in _references(item)]
    if not isinstance(part, dict):
        return []
    own = [_name(part["$ref"])] if isinstance(part.get("$ref"), str) else []
    return own + [name for item in part.values() for name in _references(item)]


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
