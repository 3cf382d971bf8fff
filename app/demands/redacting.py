"""Taking words out of the record for good: a name that should never have been written down."""

from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session, col

from app import ledger
from app.accounts.actor import Actor
from app.accounts.models import Organization
from app.accounts.roles import Role
from app.bodies.models import Body
from app.campaigns.models import Campaign, Kind
from app.demands import facts
from app.demands.models import Citation, Demand, Indicator, Milestone, Response, StatusChange, Update
from app.demands.reads import RedactionRead
from app.demands.schemas import RedactionNew
from app.fields import Audience
from app.ledger.erasing import erase_mentions
from app.problems import NotFound
from app.sources.models import Source
from app.tables import Table, Versioned

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
    Body: ("name", "holder", "url"),
    Organization: ("name", "about", "url"),
    Campaign: ("name", "about"),
    Kind: ("about",),
}


def redact(session: Session, actor: Actor, new: RedactionNew) -> RedactionRead:
    """Take the words out of every text, and empty every entry of the ledger that mentions them.

    Raises NotFound where they stand nowhere. Those who follow a demand get `demand.redacted` with what is left; answers
    kept for an Idempotency-Key go when their time is over.
    """
    actor.must_be(Role.EDITOR)
    rows = [row for model, names in WRITTEN.items() for row in _rewritten(session, model, names, new.text)]
    session.flush()
    entries = erase_mentions(session, new.text)
    if not rows and not entries:
        raise NotFound("These words stand nowhere in the record.")
    demands = _demands_of(session, rows)
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


def _rewritten(session: Session, model: type[Table], names: tuple[str, ...], words: str) -> list[Table]:
    columns: list[Any] = [getattr(model, name) for name in names]
    mentioning = or_(*(col(column).contains(words, autoescape=True) for column in columns))
    rows: list[Table] = []
    for row in session.scalars(select(model).where(mentioning).with_for_update()):
        for name in names:
            text = getattr(row, name)
            if text and words in text:
                setattr(row, name, text.replace(words, REDACTED))
                rows.append(row)
        if isinstance(row, Versioned) and not isinstance(row, Demand):
            row.touch()
    return rows


def _demands_of(session: Session, rows: list[Table]) -> list[Demand]:
    keys = {row.key if isinstance(row, Demand) else getattr(row, "demand_id", None) for row in rows} - {None}
    statement = select(Demand).where(col(Demand.id).in_(keys)).order_by(col(Demand.id)).with_for_update(key_share=True)
    return list(session.scalars(statement))
