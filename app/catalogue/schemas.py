"""The catalogue as the API has it."""

from typing import Annotated, Any

from pydantic import BaseModel, Field


class EventTypeRead(BaseModel):
    name: str
    meaning: str
    json_schema: Annotated[str, Field(description="Where the JSON Schema of the messages is.")]
    example: Annotated[dict[str, Any], Field(description="A message in full.")]


class EventTypes(BaseModel):
    items: list[EventTypeRead]
