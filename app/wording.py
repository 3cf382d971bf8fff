"""What is wrong with something that was sent, told to those who sent it rather than to those who wrote the check."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

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
    """The same; for a word in the address, or a member of the body, that is not known, with those that are."""
    if finding["type"] != "extra_forbidden" or not isinstance(route, APIRoute):
        return told(finding)
    if finding["loc"][0] == "query":
        return f"there is no such word here; there are {', '.join(sorted(word for word, _ in query_words(route)))}"
    return f"{told(finding)}; there are {', '.join(sorted(_members(route, finding['loc'])))}"


def query_words(route: APIRoute) -> Iterator[tuple[str, Any]]:
    """The words that the route knows in an address, with the types of their values."""
    for parameter in route.dependant.query_params:
        model = parameter.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from ((name, field.annotation) for name, field in _fields(model))
        else:
            yield parameter.alias, model


def _members(route: APIRoute, place: Sequence[str | int]) -> set[str]:
    """What an object of the body, a member of which stands at this place, may have."""
    models = _models(route.body_field.field_info.annotation) if route.body_field else []
    for step in place[1:-1]:
        within = [field.annotation for model in models for name, field in _fields(model) if name == step]
        models = [model for annotation in within for model in _models(annotation)] or models  # a number leads nowhere
    return {name for model in models for name, _ in _fields(model)}


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    yield from ((field.alias or name, field) for name, field in model.model_fields.items())


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Those in a type such as `list[Target] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
