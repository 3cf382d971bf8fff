"""The shape of every message, from the models that its parts are made with."""

from functools import cache
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, create_model
from pydantic.json_schema import models_json_schema

import app.accounts.events
import app.bodies.events
import app.campaigns.events
import app.demands.events
import app.ledger.events
import app.sources.events
import app.webhooks.events
from app.ledger.types import EVENT_TYPES
from app.webhooks.events import BESIDE_THE_LEDGER
from app.webhooks.messages import DemandLinks, Links, Thin, ThinAboutDemand

Schema = dict[str, Any]

TOLD: dict[str, type[BaseModel]] = {
    **app.demands.events.EVENTS,
    **app.sources.events.EVENTS,
    **app.bodies.events.EVENTS,
    **app.campaigns.events.EVENTS,
    **app.accounts.events.EVENTS,
    **app.webhooks.events.EVENTS,
    **app.ledger.events.EVENTS,
}
MEANINGS = {**EVENT_TYPES, **{name: meaning for name, (meaning, _) in BESIDE_THE_LEDGER.items()}}


class Placed(BaseModel):
    """Where in the ledger."""

    seq: int
    links: Links


class PlacedAboutDemand(Placed):
    links: DemandLinks


@cache
def schemas_of_all(places: str) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """JSON Schemas (2020-12) by type of event, and by name those that they refer to at these places."""
    models = {name: _message(name) for name in MEANINGS}
    found, together = models_json_schema(
        [(model, "serialization") for model in models.values()], by_alias=True, ref_template=places
    )
    return {name: found[model, "serialization"] for name, model in models.items()}, together["$defs"]


def _message(name: str) -> type[BaseModel]:
    fields: dict[str, Any] = {
        "type": (Literal[name], ...),
        "timestamp": (AwareDatetime, ...),
        "data": (_data(name), ...),
    }
    title = "".join(word.capitalize() for word in name.replace("_", ".").split("."))
    return create_model(f"{title}Message", __doc__=MEANINGS[name], **fields)


def _data(name: str) -> Any:
    if name in BESIDE_THE_LEDGER:
        return BESIDE_THE_LEDGER[name][1]
    return _in_full(TOLD[name]) | (ThinAboutDemand if _is_about_demand(TOLD[name]) else Thin)


@cache
def _in_full(told: type[BaseModel]) -> type[BaseModel]:
    placed = PlacedAboutDemand if _is_about_demand(told) else Placed
    return create_model(f"{told.__name__}InFull", __base__=(told, placed))


def _is_about_demand(told: type[BaseModel]) -> bool:
    return "demand" in told.model_fields
