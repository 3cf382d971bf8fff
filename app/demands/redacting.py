"""Taking words out of the record for good: a name that should never have been written down."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, or_, select
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
from app.ledger.erasing import erase_mentions
from app.problems import NotFound
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
    Source: sources.revised,
    Body: bodies.revised,
    Organization: accounts.revised,
    Campaign: campaigns.campaign_revised,
    Kind: campaigns.kind_revised,
}


def redact(session: Session, actor: Actor, new: RedactionNew) -> RedactionRead:
    """Take the words out of every text, and empty every entry of the ledger that mentions them.

    Raises NotFound where they stand nowhere, StandsInAName where a slug, a tag or a label has them. Those who follow a
    demand get `demand.redacted` with what is left. Answers kept for an Idempotency-Key may hold the words: all go.
    """
    actor.must_be(Role.EDITOR)
    serialize(session, "redaction")
    naming.check(session, new.text)
    demands = _locked_demands(session, new.text)
    rows = [row for model, names in WRITTEN.items() for row in _rewritten(session, model, names, new.text)]
    erase_answers(session)
    session.flush()
    searching.forget(session)
    _tell_of_things(session, actor, rows)
    entries = erase_mentions(session, new.text)
    if not rows and not entries:
        raise NotFound("These words stand nowhere in the record.")
    for demand in demands:
        demand.touch()
        facts.record(session, actor, "demand.redacted", demand)
    ledger.record(
        session,
        actor,
        "content.redacted",
        ledger.About(keys=[]),
        audience=Audience.STAFF,
        reason=new.reason,
        fields=len(rows),
        entries=entries,
    )
    return RedactionRead(demands=[demand.ref for demand in demands], fields=len(rows), entries=len(entries))


def _locked_demands(session: Session, words: str) -> list[Demand]:
    """The demands whose texts have the words: locked first and in order, as everyone who changes a demand does."""
    keys: set[Any] = set()
    for model, names in WRITTEN.items():
        owner: Any = getattr(model, "demand_id", Demand.id if model is Demand else None)
        if owner is not None:
            keys.update(session.scalars(select(col(owner)).where(_mentioning(model, names, words))))
    return list(session.scalars(locked(select(Demand).where(col(Demand.id).in_(keys)).order_by(col(Demand.id)))))


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
    """Each thing of its own that was rewritten is revised, for caches and subscribers."""
    things = {id(row): row for row in (_whole(session, row) for row in rows) if type(row) in TELLERS}
    for thing in things.values():
        TELLERS[type(thing)](session, actor, thing)


def _whole(session: Session, row: Table) -> Table:
    return session.get_one(Body, row.body_id) if isinstance(row, BodyIdentifier) else row


def _mentioning(model: type[Table], names: tuple[str, ...], words: str) -> ColumnElement[bool]:
    columns: list[Any] = [getattr(model, name) for name in names]
    return or_(*(mentions(col(column), words) for column in columns))


def _length(model: type[Table], name: str) -> int | None:
    column: Any = col(getattr(model, name))
    length: int | None = column.type.length
    return length
