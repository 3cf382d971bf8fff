"""What is wrong with something that was sent, told to those who sent it rather than to those who wrote the check."""

from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from app.fields import FORMS


def told(finding: ErrorDetails) -> str:
    """One of Pydantic's findings. Most of its messages are plain; these are not."""
    match finding["type"]:
        case "missing":
            return "this is required"
        case "extra_forbidden":
            return "there is no such member"
        case "string_pattern_mismatch":
            return FORMS.get(finding["ctx"]["pattern"], finding["msg"])
        case "too_short" if isinstance(finding["input"], str):
            return f"String should have at least {finding['ctx']['min_length']} characters"
        case "model_attributes_type" | "model_type" | "dict_type":
            return "this should be an object"
    return finding["msg"].removeprefix("Value error, ")


def told_on(route: object, finding: ErrorDetails) -> str:
    """The same; for a word in the address that the route does not know, with those that it knows."""
    if finding["type"] == "extra_forbidden" and finding["loc"][0] == "query" and isinstance(route, APIRoute):
        return f"there is no such word here; there are {', '.join(sorted(word for word, _ in query_words(route)))}"
    return told(finding)


def query_words(route: APIRoute) -> Iterator[tuple[str, Any]]:
    """The words that the route knows in an address, with the types of their values."""
    for parameter in route.dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from ((field.alias or name, field.annotation) for name, field in model.model_fields.items())
        else:
            yield parameter.alias, model
