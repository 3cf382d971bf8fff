"""The one gate: what an actor may see. Every way out asks here: lists, counts, single things, feeds, exports."""

from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, or_, true
from sqlmodel import col

from app.accounts.actor import Actor
from app.accounts.models import Organization
from app.fields import Audience
from app.ledger.models import Event, Subject
from app.ledger.reading import Gate


def may_see(actor: Actor, audience: Audience) -> bool:
    return audience in actor.audience.sees


def shown_to(actor: Actor, audience: Any) -> ColumnElement[bool]:
    """A condition on a column that holds an audience. Staff get none, so that their lists need no extra index."""
    return shown_within(actor.audience, audience)


def shown_within(circle: Audience, audience: Any) -> ColumnElement[bool]:
    column: Any = col(audience)
    if circle is Audience.STAFF:
        return true()
    if circle is Audience.PARTNERS:
        return cast(ColumnElement[bool], column != Audience.STAFF)
    return cast(ColumnElement[bool], column == Audience.PUBLIC)


def organizations_shown_to(actor: Actor) -> ColumnElement[bool]:
    return organizations_shown_within(actor.audience, actor.organization_id)


def organizations_shown_within(circle: Audience, own: Any) -> ColumnElement[bool]:
    """One's own is always seen; `own` is its id, or a bind parameter for it in a statement that is kept."""
    return or_(shown_within(circle, Organization.audience), col(Organization.id) == own)


def ledger_gate(actor: Actor) -> Gate:
    """What the actor may see of the ledger."""
    return gate_of(actor.audience)


@cache
def gate_of(circle: Audience) -> Gate:
    """What anyone in this circle may see of the ledger: a session, a key or a webhook."""
    return Gate(circle, events_shown_to(circle))


def events_shown_to(circle: Audience) -> ColumnElement[bool]:
    """A condition on events, outer-joined to their subjects (`Subject.key == Event.subject`).

    Both the entry and what it is about must be visible, so an old entry goes from view with its subject.
    A notice that something was taken from view stays visible to those who could see it before and then no longer could;
    to staff, who always can, where nobody else could.
    """
    concerned = ~col(Event.notice) | _hidden_from(circle, Event.visible_to)
    if circle is Audience.STAFF:
        return concerned
    subject = or_(col(Event.subject).is_(None), shown_within(circle, Subject.visible_to), col(Event.notice))
    return shown_within(circle, Event.audience) & subject & concerned


def events_still_for(circle: Audience) -> ColumnElement[bool]:
    """The same, but for notices that something was taken from view which is in view again."""
    return events_shown_to(circle) & (~col(Event.notice) | _hidden_from(circle, Subject.visible_to))


def _hidden_from(circle: Audience, visible_to: Any) -> ColumnElement[bool]:
    """From staff, who always see it, where nobody else does."""
    column = col(visible_to)
    return or_(column.is_(None), column == Audience.STAFF, ~shown_within(circle, visible_to))
