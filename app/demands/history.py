"""A demand's story: the events about it that a reader may see, each told in a sentence."""

from collections.abc import Callable
from typing import Any

from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.audience import ledger_gate
from app.demands.models import Demand
from app.demands.reads import HistoryEntry
from app.ledger import reading
from app.ledger.models import Event
from app.paging import Page, PageQuery, decode, digest, encode

NEWEST = 200

Teller = Callable[[dict[str, Any]], str]


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
        summary=summary(event.type, event.data),
        data=event.data,
    )


def summary(type: str, data: dict[str, Any] | None) -> str:
    """One sentence in English; an erased entry says so."""
    if data is None:
        return "The content of this entry was erased."
    teller = _TELLERS.get(type)
    return teller(data) if teller else type


def _status_changed(data: dict[str, Any]) -> str:
    change = data["change"]
    what = "Corrected to" if change["kind"] == "correction" else "Became"
    claimed = ", claimed but not yet verified" if change["verification"] == "claimed" else ""
    return f"{what} {_words(change['to'])} on {change['effective_on']}{claimed}: {change['reason']}"


def _response(data: dict[str, Any]) -> str:
    response = data["response"]
    said = f": {response['says']}" if response["says"] else ""
    return f"Response of {response['body']} on {response['on']}, {_words(response['response'])}{said}"


def _reading(data: dict[str, Any]) -> str:
    indicator, reading = data["demand"]["indicator"], data["reading"]
    target = f" of {indicator['target']}" if indicator["target"] is not None else ""
    return f"{indicator['name']}: {reading['value']}{target} {indicator['unit']} on {reading['on']}"


def _cited(data: dict[str, Any]) -> str:
    citation = data["citation"]
    if citation is None:
        return "Evidence added; its source was taken from view since."
    return f"Evidence added ({citation['stance']}): {citation['source']['title']}"


def _words(code: str) -> str:
    return code.replace("_", " ")


_TELLERS: dict[str, Teller] = {
    "demand.created": lambda data: "Drafted.",
    "demand.revised": lambda data: "The record of the demand was revised.",
    "demand.sent_to_review": lambda data: "Sent to review.",
    "demand.returned_to_draft": lambda data: "Returned to draft.",
    "demand.embargoed": lambda data: f"To be published on {data['demand']['embargoed_until']}.",
    "demand.published": lambda data: "Published.",
    "demand.unpublished": lambda data: "Taken from view.",
    "demand.taken_down": lambda data: f"Taken from view: {data['reason']}",
    "demand.status_changed": _status_changed,
    "demand.status_verified": lambda data: f"A second person verified that it is {_words(data['change']['to'])}.",
    "demand.update_added": lambda data: f"On {data['update']['on']}: {data['update']['text']}",
    "demand.response_recorded": _response,
    "demand.reading_taken": _reading,
    "demand.milestone_planned": lambda data: f"Planned step: {data['milestone']['title']}",
    "demand.milestone_revised": lambda data: f"Revised step: {data['milestone']['title']}",
    "demand.milestone_reached": lambda data: f"Step done: {data['milestone']['title']}",
    "demand.cited": _cited,
    "demand.redacted": lambda data: "Words were taken out of the record.",
    "demand.related": lambda data: "Tied to another demand.",
    "demand.overdue": lambda data: f"The deadline of {data['demand']['deadline']} has passed.",
    "demand.due_soon": lambda data: f"Due by {data['demand']['deadline']}.",
    "demand.review_due": lambda data: f"Not checked since {data['demand']['last_checked_on'] or 'it was recorded'}.",
}
