"""Taking words out of the record for good: a name that should never have been written down."""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session, col

from app import ledger
from app.accounts import actions as accounts
from app.accounts.actor import Actor
from app.accounts.idempotency import erase_answers
from app.accounts.models import Organization
from app.accounts.roles import Role
from app.bodies import actions as bodies
from app.bodies.models import Body, BodyIdentifier
from app.campaigns import actions as campaigns
from app.campaigns.models import Campaign, Kind
from app.database import locked, mentions, serialize
from app.demands import facts, naming, searching
from app.demands.models import Citation, Demand, Indicator, Milestone, Response, StatusChange, Update
from app.demands.reads import RedactionRead
from app.demands.schemas import RedactionNew
from app.fields import Audience
from app.ledger.erasing import Erased, count_mentions, demands_mentioning, erase_mentions, told_keys
from app.problems import Conflict, NotFound
from app.sources import actions as sources
from app.sources.models import Source
from app.tables import Table

REDACTED = "[redacted]"
WRITTEN: dict[type[Table], tuple[str, ...]] = {
    Demand: ("title", "asks", "counts_as_met", "publication_reason"),
    StatusChange: ("reason", "internal_note"),
    Update: ("text",),
    Response: ("says",),
    Citation: ("locator", "quote", "translation", "note"),
    Milestone: ("title",),
    Indicator: ("name", "unit"),
    Source: ("title", "publisher", "note", "date_note", "url", "archive_url"),
    Body: ("name", "acronym", "classification", "holder", "url"),
    BodyIdentifier: ("value",),
    Organization: ("name", "about", "url"),
    Campaign: ("name", "about"),
    Kind: ("about",),
}


TELLERS: dict[type[Table], Callable[[Session, Actor, Any], object]] = {
    Source: partial(sources.revised, type="source.redacted"),
    Body: partial(bodies.revised, type="body.redacted"),
    Organization: partial(accounts.revised, type="organization.redacted"),
    Campaign: partial(campaigns.campaign_revised, type="campaign.redacted"),
    Kind: partial(campaigns.kind_revised, type="kind.redacted"),
}


class ReachesTooFar(Conflict):
    """These words stand in more demands than the redaction may touch"""

    type = "reaches-too-far"
    remedy = "Redact longer words, or raise `at_most` to the number in `demands` if that is what you want."


def redact(session: Session, actor: Actor, new: RedactionNew) -> RedactionRead:
    """Take the words out of every text, and empty every entry of the ledger that mentions them.

    Raises NotFound where they stand nowhere, ReachesTooFar where more demands have them than may be touched,
    StandsInAName where a slug, a tag or a label has them. Those who follow a demand, or were sent one of those entries
    about it, get `demand.redacted` with what is left. Answers kept for an Idempotency-Key may hold the words: all go.
    """
    actor.must_be(Role.EDITOR)
    serialize(session, "redaction")
    demands = _locked_demands(session, new.text)
    _check_reach(session, new, len(demands))
    naming.check(session, new.text)
    rows = [row for model, names in WRITTEN.items() for row in _rewritten(session, model, names, new.text)]
    erase_answers(session)
    session.flush()
    searching.forget(session)
    entries = erase_mentions(session, new.text)
    if not rows and not entries:
        raise _nowhere()
    _tell_of_things(session, actor, [*rows, *_things(session, entries)])
    _tell_of_demands(session, actor, demands, rows, entries)
    ledger.record(
        session,
        actor,
        "content.redacted",
        ledger.About(keys=[]),
        audience=Audience.STAFF,
        reason=new.reason,
        fields=len(rows),
        entries=[entry.seq for entry in entries],
    )
    return RedactionRead(demands=[demand.ref for demand in demands], fields=len(rows), entries=len(entries))


def _locked_demands(session: Session, words: str) -> list[Demand]:
    """The demands that have the words in their texts, or had them in what was told of them.

    Locked first and in order, as everyone who changes a demand does.
    """
    keys: set[Any] = set()
    for model, names in WRITTEN.items():
        owner: Any = getattr(model, "demand_id", Demand.id if model is Demand else None)
        if owner is not None:
            keys.update(session.scalars(select(col(owner)).where(_mentioning(model, names, words))))
    concerned = or_(col(Demand.id).in_(keys), col(Demand.ref).in_(demands_mentioning(session, words)))
    return list(session.scalars(locked(select(Demand).where(concerned).order_by(col(Demand.id)))))


def _check_reach(session: Session, new: RedactionNew, demands: int) -> None:
    if new.at_most and demands <= new.at_most:
        return
    fields, entries = _count_fields(session, new.text), count_mentions(session, new.text)
    if not fields and not entries:
        raise _nowhere()
    raise ReachesTooFar(
        f"Demands that would be touched: {demands}, and {new.at_most} may be. Texts: {fields}, entries of the ledger: "
        f"{entries}. Nothing was changed. Redact longer words, or raise `at_most` where that is what you want.",
        demands=demands,
        fields=fields,
        entries=entries,
    )


def _count_fields(session: Session, words: str) -> int:
    places = ((model, name) for model, names in WRITTEN.items() for name in names)
    return sum(
        session.scalars(select(func.count()).select_from(model).where(_mentioning(model, (name,), words))).one()
        for model, name in places
    )


def _nowhere() -> NotFound:
    return NotFound("These words stand nowhere in the record.")


def _rewritten(session: Session, model: type[Table], names: tuple[str, ...], words: str) -> list[Table]:
    rows: list[Table] = []
    for row in session.scalars(locked(select(model).where(_mentioning(model, names, words)))):
        for name in names:
            text = getattr(row, name)
            if text and words in text:
                setattr(row, name, text.replace(words, REDACTED)[: _length(model, name)])
                rows.append(row)
    return rows


def _tell_of_things(session: Session, actor: Actor, rows: list[Table]) -> None:
    """Whoever was sent a thing of its own with the words is told; those it is cited by need no telling."""
    things = {id(row): row for row in (_whole(session, row) for row in rows) if type(row) in TELLERS}
    for thing in things.values():
        TELLERS[type(thing)](session, actor, thing)


def _things(session: Session, entries: list[Erased]) -> list[Table]:
    """Those that were told with the words, whether they have them now or had them once."""
    slugs: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.thing:
            slugs[entry.thing[0]].add(entry.thing[1])
    things: list[Table] = []
    for model in TELLERS:
        named = col(model.slug).in_(slugs[model.__name__.lower()])  # type: ignore[attr-defined]  # each of them has one
        things += session.scalars(locked(select(model).where(named)))
    return things


def _tell_of_demands(
    session: Session, actor: Actor, demands: list[Demand], rows: list[Table], entries: list[Erased]
) -> None:
    """Whoever was sent one of the entries is told, though the demand may have left what they follow since."""
    rewritten = {row.id if isinstance(row, Demand) else getattr(row, "demand_id", None) for row in rows}
    for demand in demands:
        its = [entry for entry in entries if entry.demand == demand.ref]
        readers = {demand.audience} if demand.id in rewritten else {e.audience.within(demand.audience) for e in its}
        audience = next((circle for circle in Audience if circle in readers), Audience.STAFF)
        demand.touch()
        facts.record(session, actor, "demand.redacted", demand, audience=audience, also=told_keys(its, audience))


def _whole(session: Session, row: Table) -> Table:
    return session.get_one(Body, row.body_id) if isinstance(row, BodyIdentifier) else row


def _mentioning(model: type[Table], names: tuple[str, ...], words: str) -> ColumnElement[bool]:
    columns: list[Any] = [getattr(model, name) for name in names]
    return or_(*(mentions(col(column), words) for column in columns))


def _length(model: type[Table], name: str) -> int | None:
    column: Any = col(getattr(model, name))
    length: int | None = column.type.length
    return length
