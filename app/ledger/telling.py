"""Events told to people: each in one sentence, in English."""

from collections.abc import Callable
from typing import Any

from app.ledger.types import EVENT_TYPES

Teller = Callable[[dict[str, Any]], str]
LONGEST_TITLE = 140


def in_a_line(text: str) -> str:
    """As a title: without line breaks, and no longer than lists have room for."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1].rstrip()}…"


def name_of_all(narrowed_to: str) -> str:
    """What a feed or a calendar is called."""
    return in_a_line(f"Demand Tracker – {narrowed_to}" if narrowed_to else "Demand Tracker")


def sentence(type: str, data: dict[str, Any] | None) -> str:
    """One sentence in English; an erased entry says so."""
    if data is None:
        return "The content of this entry was erased."
    teller = _TELLERS.get(type)
    return teller(data) if teller else EVENT_TYPES.get(type, type)


def _status_changed(data: dict[str, Any]) -> str:
    change = data["change"]
    what = "Corrected to" if change["kind"] == "correction" else "Became"
    claimed = ", claimed but not yet verified" if change["verification"] == "claimed" else ""
    return f"{what} {_words(change['to'])} {_when(change['effective_on'])}{claimed}: {change['reason']}"


def _update(data: dict[str, Any]) -> str:
    update = data["update"]
    return f"{_when(update['on']).capitalize()}: {update['text']}"


def _response(data: dict[str, Any]) -> str:
    response = data["response"]
    said = f": {response['says']}" if response["says"] else ""
    return f"Response of {response['body']} {_when(response['on'])}, {_words(response['response'])}{said}"


def _reading(data: dict[str, Any]) -> str:
    indicator, reading = data["demand"].get("indicator"), data["reading"]
    if indicator is None:  # of a demand that was not shown yet
        return f"A reading of {reading['value']} {_when(reading['on'])}"
    target = f" of {indicator['target']}" if indicator["target"] is not None else ""
    return f"{indicator['name']}: {reading['value']}{target} {indicator['unit']} {_when(reading['on'])}"


def _cited(data: dict[str, Any]) -> str:
    citation = data["citation"]
    if citation is None:
        return "Evidence added; its source was taken from view since."
    return f"Evidence added ({citation['stance']}): {citation['source']['title']}"


def _related(data: dict[str, Any]) -> str:
    tie = _tie(data)
    return f"{tie[0].upper()}{tie[1:]}." if tie else "Tied to another demand."


def _unrelated(data: dict[str, Any]) -> str:
    tie = _tie(data)
    return f"No longer {tie}." if tie else "A tie to another demand was taken back."


def _tie(data: dict[str, Any]) -> str | None:
    """None where the other demand is not for the reader to see, and in entries that did not name it yet."""
    relation = data.get("relation")
    return _TIES[relation["type"]].format(relation["ref"]) if relation else None


def _review_due(data: dict[str, Any]) -> str:
    return f"Not checked since {data['demand'].get('last_checked_on') or 'it was recorded'}."


def _restored(data: dict[str, Any]) -> str:
    seq = data["ledger"]["seq"]
    return f"Restored from a backup: what was told after entry {seq} is undone, and its numbers are given anew."


def _when(date: str) -> str:
    """A day is what something happens on; a month or a year, what it happens in."""
    is_a_day = len(date) == len("2022-12-10")
    return f"{'on' if is_a_day else 'in'} {date}"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _named(what: str, noun: str) -> Teller:
    """`Source added: Title`, as far as the reader may know the name."""

    def tell(data: dict[str, Any]) -> str:
        thing = data.get(noun) or {}
        label = thing.get("label") or {}
        name = thing.get("name") or thing.get("title") or label.get("en") or next(iter(label.values()), None)
        return f"{what}: {name or thing.get('slug') or 'not for you to see'}"

    return tell


_TIES = {
    "supersedes": "supersedes {}",
    "superseded_by": "superseded by {}",
    "part_of": "part of {}",
    "has_part": "the whole of which {} is a part",
    "duplicates": "a duplicate of {}",
    "related": "related to {}",
}
_TELLERS: dict[str, Teller] = {
    "body.created": _named("Body added", "body"),
    "body.redacted": _named("Words taken out of the record of body", "body"),
    "body.revised": _named("Body revised", "body"),
    "campaign.created": _named("Campaign begun", "campaign"),
    "campaign.redacted": _named("Words taken out of the record of campaign", "campaign"),
    "campaign.revised": _named("Campaign revised", "campaign"),
    "kind.created": _named("Kind of demand added", "kind"),
    "kind.redacted": _named("Words taken out of the record of kind of demand", "kind"),
    "kind.revised": _named("Kind of demand revised", "kind"),
    "ledger.restored": _restored,
    "organization.created": _named("Organization added", "organization"),
    "organization.redacted": _named("Words taken out of the record of organization", "organization"),
    "organization.revised": _named("Organization revised", "organization"),
    "organization.withdrawn": _named("Organization taken from view", "organization"),
    "source.created": _named("Source added", "source"),
    "source.redacted": _named("Words taken out of the record of source", "source"),
    "source.revised": _named("Source revised", "source"),
    "source.withdrawn": _named("Source taken from view", "source"),
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
    "demand.update_added": _update,
    "demand.response_recorded": _response,
    "demand.reading_taken": _reading,
    "demand.milestone_planned": lambda data: f"Planned step: {data['milestone']['title']}",
    "demand.milestone_revised": lambda data: f"Revised step: {data['milestone']['title']}",
    "demand.milestone_reached": lambda data: f"Step done: {data['milestone']['title']}",
    "demand.cited": _cited,
    "demand.redacted": lambda data: "Words were taken out of the record.",
    "demand.related": _related,
    "demand.unrelated": _unrelated,
    "demand.overdue": lambda data: f"The deadline of {data['demand'].get('deadline')} has passed.",
    "demand.due_soon": lambda data: f"Due by {data['demand'].get('deadline')}.",
    "demand.review_due": _review_due,
}
