"""What followers narrow the ledger by: event types, and the words of the list of demands."""

from typing import Annotated

from pydantic import Field
from sqlmodel import Session

from app.accounts.actor import Actor
from app.ledger.selecting import Selection
from app.ledger.types import EventType
from app.ledger.words import Filters
from app.narrowing import check_types, check_words


class EventFilter(Filters):
    types: Annotated[
        list[EventType],
        Field(max_length=50, description="Event types. Notices that something was taken from view come in any case."),
    ] = []


def selection(session: Session, actor: Actor, asked: EventFilter) -> Selection:
    """Raises Invalid that names a value which does not exist: nobody should wait for what cannot come."""
    check_words(session, actor, asked, "query")
    check_types(actor.audience, asked.types, "query.types")
    words = Filters.model_fields.keys()
    return Selection.of(asked.types, asked.model_dump(include=set(words), exclude_none=True), actor.audience)
