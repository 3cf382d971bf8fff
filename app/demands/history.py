"""A demand's story: the events about it that a reader may see, each told in a sentence."""

from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.audience import ledger_gate
from app.demands.models import Demand
from app.demands.reads import HistoryEntry
from app.ledger import reading, telling
from app.ledger.models import Event
from app.paging import Page, PageQuery, decode, digest, encode

NEWEST = 200


def of_demand(
    session: Session, actor: Actor, ref: str, limit: int = NEWEST, before: int | None = None
) -> list[HistoryEntry]:
    """Newest first, for a demand that the actor may see."""
    events = reading.newest_about(session, ledger_gate(actor), f"demand:{ref}", limit, before)
    return [entry(event) for event in events]


def list_history(session: Session, actor: Actor, demand: Demand, query: PageQuery) -> Page[HistoryEntry]:
    """One page, newest first."""
    scope = digest([query.scope, "history", demand.ref])
    before = decode(query.cursor, scope, [col(Event.seq)])[0] if query.cursor else None
    entries = of_demand(session, actor, demand.ref, query.limit + 1, before)
    more = len(entries) > query.limit
    entries = entries[: query.limit]
    return Page(items=entries, next_cursor=encode(scope, [entries[-1].seq]) if more else None)


def entry(event: reading.EventView) -> HistoryEntry:
    return HistoryEntry(
        seq=event.seq,
        id=event.id,
        type=event.type,
        recorded_at=event.recorded_at,
        organization=event.actor.get("organization"),
        summary=telling.sentence(event.type, event.data),
        data=event.data,
    )
