"""What followers narrow the ledger by: event types, and the words of the list of demands."""

from typing import Annotated

from pydantic import Field
from sqlmodel import Session

from app.accounts.actor import Actor
from app.accounts.queries import organizations_named
from app.bodies.queries import bodies_named
from app.campaigns.queries import campaigns_named, kinds_named
from app.ledger.selecting import Selection
from app.ledger.types import EventType
from app.ledger.words import Filters


class EventFilter(Filters):
    types: Annotated[
        list[EventType],
        Field(max_length=50, description="Event types. Notices that something was taken from view come in any case."),
    ] = []


def selection(session: Session, actor: Actor, asked: EventFilter) -> Selection:
    """Raises Invalid that names a value which does not exist: nobody should wait for what cannot come."""
    if asked.campaign:
        campaigns_named(session, asked.campaign, "query.campaign")
    if asked.kind:
        kinds_named(session, asked.kind, "query.kind")
    if asked.body:
        bodies_named(session, asked.body, "query.body")
    if asked.issuer:
        organizations_named(session, actor, asked.issuer, "query.issuer")
    words = Filters.model_fields.keys()
    return Selection.of(asked.types, asked.model_dump(include=set(words), exclude_none=True))
