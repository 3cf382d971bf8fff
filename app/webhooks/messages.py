"""What is sent: one event as its reader may see it, in a few kilobytes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from app.fields import utc
from app.ledger.reading import EventView, cursor

LARGEST_BYTES = 20_000  # as Standard Webhooks advises; what is larger is sent thin


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


def render(view: EventView, api_url: str, epoch: str) -> Message:
    """`{type, timestamp, data}`; `api_url` is where the links lead, without a slash at its end."""
    full = _body(view, _full(view, _links(view, api_url, epoch)))
    fits = view.data is not None and len(full) <= LARGEST_BYTES
    return Message(view.seq, view.id, full if fits else _body(view, _thin(view, _links(view, api_url, epoch))))


def _body(view: EventView, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": view.type, "timestamp": utc(view.recorded_at), "data": data})


def _full(view: EventView, links: dict[str, str]) -> dict[str, Any]:
    return {"seq": view.seq, **(view.data or {}), "links": links}


def _thin(view: EventView, links: dict[str, str]) -> dict[str, Any]:
    """For what is too large or was erased since: where to read what there is."""
    about = {"demand": {"ref": view.demand}} if view.demand else {}
    return {"seq": view.seq, "thin": True, **about, "links": links}


def _links(view: EventView, api_url: str, epoch: str) -> dict[str, str]:
    event = f"{api_url}/events?after={cursor(epoch, view.seq - 1)}&limit=1"
    return {"event": event, **({"demand": f"{api_url}/demands/{view.demand}"} if view.demand else {})}
