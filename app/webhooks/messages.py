"""What is sent: one event as its reader may see it, in a few kilobytes."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel

from app.fields import utc
from app.ledger.reading import EventView, cursor
from app.webhooks.models import Payload

LARGEST_BYTES = 20_000  # as Standard Webhooks advises; what is larger is sent thin


class Links(BaseModel):
    """Where to read the event."""

    event: str


class DemandLinks(Links):
    """And its demand, as it is now."""

    demand: str


class DemandName(BaseModel):
    ref: str


class Thin(BaseModel):
    """Says where to read what happened: as asked for, or of what is too large or was erased."""

    seq: int
    thin: Literal[True]
    links: Links


class ThinAboutDemand(Thin):
    """And to which demand it happened."""

    demand: DemandName
    links: DemandLinks


@dataclass(frozen=True)
class Message:
    """`id` is the webhook-id of every attempt."""

    seq: int
    event_id: UUID
    body: bytes

    @property
    def id(self) -> str:
        return webhook_id_of(self.event_id)


def webhook_id_of(event_id: UUID) -> str:
    """The `webhook-id` of every message about the event."""
    return f"evt_{event_id.hex}"


def links_to(seq: int, demand: str | None, api_url: str, epoch: str) -> Links:
    """`api_url` is where they lead, without a slash at its end."""
    event = f"{api_url}/events?after={cursor(epoch, seq - 1)}&to_seq={seq}"
    return DemandLinks(event=event, demand=f"{api_url}/demands/{demand}") if demand else Links(event=event)


def render(view: EventView, api_url: str, epoch: str, payload: Payload) -> Message:
    """`{type, timestamp, data}`."""
    links = links_to(view.seq, view.demand, api_url, epoch)
    if payload is Payload.FULL and view.data is not None:
        full = _body(view, {"seq": view.seq, **view.data, "links": links.model_dump()})
        if len(full) <= LARGEST_BYTES:
            return Message(view.seq, view.id, full)
    return Message(view.seq, view.id, _body(view, _thin(view, links).model_dump()))


def _body(view: EventView, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": view.type, "timestamp": utc(view.recorded_at), "data": data})


def _thin(view: EventView, links: Links) -> Thin:
    if view.demand and isinstance(links, DemandLinks):
        return ThinAboutDemand(seq=view.seq, thin=True, demand=DemandName(ref=view.demand), links=links)
    return Thin(seq=view.seq, thin=True, links=links)
