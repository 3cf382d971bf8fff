"""Which events a follower wants: its types and filters, as keys to match with the keys that events carry.

Webhooks, the feed, the stream and Atom all ask here, so that the same words mean the same everywhere.

Values of one word mean either; different words narrow together, as in the list of demands.

By some keys only a narrower circle may find an entry than may see it: `partners/issuer:ngo`. Staff and partners find it
by that, and for others it is not there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, false, or_, true, type_coerce
from sqlmodel import col

from app.fields import Audience
from app.ledger.models import Canonical, Event

EVERYTHING = "*"  # a key that all events have, as far as subscriptions go
NOTICES = "notice"  # and one of those that take something back
REDACTED = {f"{noun}.redacted" for noun in ("demand", "source", "organization", "body", "campaign", "kind")}
TAKING_BACK = sorted({*REDACTED, "demand.unpublished", "organization.withdrawn", "source.withdrawn", "ledger.restored"})
FLAGS = ("disputed", "overdue", "stale", "no_response")
LASTING = {"demand", "tag", "issuer", "body", "kind", "campaign"}  # words that no change of status makes untrue
# The scarcer the events that a word selects, the earlier it stands: the first that a webhook has wakes its lane.
_ANCHORS = ("demand", "tag", "issuer", "body", "kind", "campaign", "status", "group")


@dataclass(frozen=True)
class Selection:
    """What to compare an event with."""

    types: frozenset[str]
    words: Mapping[str, frozenset[str]]  # each needs one of its keys
    without: frozenset[str]  # keys that must not be there
    all_notices: bool = False  # whatever is taken back, since other words held once

    @classmethod
    def of(
        cls, types: Sequence[str], filters: Mapping[str, Any], circle: Audience, all_notices: bool = False
    ) -> "Selection":
        """As a reader of this circle has it."""
        words = {word: _keys(word, value, circle.sees) for word, value in filters.items() if value is not False}
        flags = (_keys(word, True, circle.sees) for word, value in filters.items() if value is False)
        without = frozenset[str]().union(*flags)
        return cls(_keys("type", types), words, without, all_notices)

    def matches(self, keys: Collection[str], notice: bool) -> bool:
        """What takes something back, from view or for good, reaches all who may have been sent it, whatever the types.

        A demand may have left the filter since by its status, so that is not asked; what is no demand, as a source, has
        been in events about many.
        """
        present = frozenset(keys)
        if _takes_back(present, notice):
            lasting = {word: wanted for word, wanted in self.words.items() if word in LASTING}
            about_a_demand = any(key.startswith("demand:") for key in present)
            return self.all_notices or not about_a_demand or _all_met(lasting, present)
        if self.types and present.isdisjoint(self.types):
            return False
        return present.isdisjoint(self.without) and _all_met(self.words, present)

    def condition(self) -> ColumnElement[bool]:
        """The same, asked of the table."""
        if not (self.types or self.words or self.without):
            return true()
        lasting = [_any_key(wanted) for word, wanted in self.words.items() if word in LASTING and not self.all_notices]
        noticed = or_(col(Event.demand).is_(None), and_(true(), *lasting))
        told = [_any_key(wanted) for wanted in (self.types, *self.words.values()) if wanted]
        without = [~_any_key({key}) for key in self.without]
        takes_back = or_(col(Event.notice), col(Event.type).in_(REDACTED))
        return or_(and_(~takes_back, *told, *without), and_(takes_back, noticed))


EVERY_EVENT = Selection(frozenset(), {}, frozenset())


def match_keys(types: Sequence[str], filters: Mapping[str, Any]) -> set[str]:
    """The keys that wake the lane: every event that the selection matches has one of them."""
    selection = Selection.of(types, filters, Audience.PUBLIC)
    anchor = next((selection.words[word] for word in _ANCHORS if word in selection.words), None)
    return {NOTICES, *(anchor or selection.types or {EVERYTHING})}


def planning_keys(keys: Collection[str], notice: bool) -> list[str]:
    """The keys by which an event finds the subscriptions: who may find it by a key, is asked at sending."""
    return [*map(unmarked, keys), EVERYTHING, *([NOTICES] if _takes_back(keys, notice) else [])]


def marked(key: str, circle: Audience, audience: Audience) -> str:
    """The key as an entry for this audience carries it, if no wider circle than this may find the entry by it."""
    return f"{circle}/{key}" if circle.is_narrower_than(audience) else key


def unmarked(key: str) -> str:
    return key.rpartition("/")[2]


def is_lasting(key: str) -> bool:
    """Whether a demand is followed by it whatever its status."""
    return unmarked(key).partition(":")[0] in LASTING


def told_by(entries: Iterable[tuple[Audience, Iterable[str]]], audience: Audience) -> set[str]:
    """The lasting keys of entries for those audiences, as one for this audience has them to reach who was told."""
    widest: dict[str, Audience] = {}
    for readers, keys in entries:
        for written in filter(is_lasting, keys):
            mark, _, key = written.rpartition("/")
            circle = Audience(mark) if mark else readers
            if key not in widest or widest[key].is_narrower_than(circle):
                widest[key] = circle
    return {marked(key, circle, audience) for key, circle in widest.items()}


def _takes_back(keys: Collection[str], notice: bool) -> bool:
    return notice or any(f"type:{name}" in keys for name in REDACTED)


def _keys(word: str, value: Any, circles: Iterable[Audience] = (Audience.PUBLIC,)) -> frozenset[str]:
    values = ["true"] if value is True else value
    return frozenset(marked(f"{word}:{each}", circle, Audience.PUBLIC) for each in values for circle in circles)


def _any_key(wanted: Collection[str]) -> ColumnElement[bool]:
    """Whether one of the keys stands in the list of an event's keys, which is stored as its canonical text."""
    written = type_coerce(col(Event.keys), Text)
    return or_(false(), *(written.contains(Canonical.of(key), autoescape=True) for key in sorted(wanted)))


def _all_met(words: Mapping[str, frozenset[str]], present: frozenset[str]) -> bool:
    return all(not wanted.isdisjoint(present) for wanted in words.values())
