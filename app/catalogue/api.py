"""Routes for the catalogue of event types."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.catalogue import queries
from app.catalogue.schemas import EventTypes

router = APIRouter(prefix="/event-types", tags=["changes"])


class SchemaDocument(JSONResponse):
    media_type = "application/schema+json"


@router.get("")
def list_event_types(request: Request) -> EventTypes:
    """Every type of event, what it means, and what a webhook's message about it says."""
    return queries.list_event_types(_api_url(request))


@router.get("/{name}/schema", response_class=SchemaDocument)
def read_schema(name: str, request: Request) -> dict[str, Any]:
    """JSON Schema (2020-12) of a webhook's messages of this type."""
    return queries.read_schema(_api_url(request), name)


def _api_url(request: Request) -> str:
    return f"{request.app.state.settings.base_url}/api/v1"
