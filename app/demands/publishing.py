"""Whether a demand is shown, to whom, and from when."""

import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock, etags
from app.accounts.actor import Actor, system
from app.accounts.roles import Role
from app.database import locked
from app.demands import facts
from app.demands.lifecycle import PUBLICATION_MOVES, Publication
from app.demands.models import Demand, Notice
from app.demands.queries import get_demand, read_demand
from app.demands.reads import DemandRead
from app.demands.schemas import PublicationChange
from app.fields import Audience
from app.ledger.reading import last_of, told_keys
from app.problems import Conflict, invalid

NEEDS = {
    Publication.DRAFT: Role.CAMPAIGNER,
    Publication.IN_REVIEW: Role.CAMPAIGNER,
    Publication.PUBLISHED: Role.EDITOR,
    Publication.UNPUBLISHED: Role.EDITOR,
}
TOLD_ANEW = ("demand.due_soon", "demand.review_due")  # that a deadline has passed is a flag of what is shown


class ForbiddenPublication(Conflict):
    """A demand cannot go there from its present state of publication"""

    type = "forbidden-publication"
    remedy = "Take one of the states in `allowed`, or go there by way of one."


def publish(
    session: Session, actor: Actor, ref: str, change: PublicationChange, if_match: str | None = None
) -> DemandRead:
    """Move the demand to another state of publication; to the one it is in already changes nothing.

    Raises Forbidden where the role does not reach, ForbiddenPublication with the allowed states, Invalid, Stale.
    """
    actor.must_be(NEEDS[change.state])
    demand = get_demand(session, actor, ref, lock=True)
    etags.check(if_match, demand.version)
    _check(demand, change)
    before = demand.circle
    embargo = change.embargoed_until if change.embargoed_until and change.embargoed_until > clock.now() else None
    if (change.state, embargo) == (demand.publication, demand.embargoed_until):
        return read_demand(session, actor, ref)
    demand.publication = change.state
    demand.publication_reason = change.reason
    demand.embargoed_until = embargo.astimezone(datetime.UTC) if embargo else None
    demand.touch()
    notice_if_narrower(session, actor, demand, before)
    tell_anew_if_wider(session, demand)
    _record(session, actor, demand, before)
    return read_demand(session, actor, ref)


def end_embargoes(session: Session) -> list[str]:
    """Show what was embargoed until now; returns the refs."""
    due = select(Demand).where(col(Demand.embargoed_until) <= clock.now()).order_by(col(Demand.embargoed_until))
    demands = session.scalars(locked(due, skip_locked=True)).all()
    for demand in demands:
        demand.embargoed_until = None
        demand.touch()
        tell_anew_if_wider(session, demand)
        facts.record(session, system("worker"), "demand.published", demand)
    return [demand.ref for demand in demands]


def notice_if_narrower(session: Session, actor: Actor, demand: Demand, before: Audience) -> None:
    """Tell those who could see the demand, and no longer can, that it was taken from view; and nothing else of it.

    It finds them by whatever they may have been told of it, be it long ago.
    """
    if demand.circle not in before.sees:
        told = told_keys(session, f"demand:{demand.ref}", before)
        facts.record(session, actor, "demand.unpublished", demand, audience=before, notice=True, also=told)


def tell_anew_if_wider(session: Session, demand: Demand) -> None:
    """Let those who see the demand now be told of what time changed about it while fewer saw it, if it is still so."""
    for what in TOLD_ANEW:
        notice = session.get(Notice, (demand.key, what))
        told = last_of(session, f"demand:{demand.ref}", what) if notice else None
        if notice and told and told.audience not in demand.circle.sees:
            session.delete(notice)


def _check(demand: Demand, change: PublicationChange) -> None:
    allowed = PUBLICATION_MOVES[demand.publication]
    if change.state not in allowed and change.state is not demand.publication:
        raise ForbiddenPublication(
            f"{demand.ref} is {demand.publication}; from there it can become {', '.join(allowed)}.",
            current=demand.publication,
            allowed=list(allowed),
        )
    if change.state is Publication.UNPUBLISHED and not change.reason:
        raise invalid("body.reason", "say why the demand is taken from view")
    if change.embargoed_until and change.state is not Publication.PUBLISHED:
        raise invalid("body.embargoed_until", "an embargo goes with the state `published`")


def _record(session: Session, actor: Actor, demand: Demand, before: Audience) -> None:
    if demand.publication is Publication.PUBLISHED and demand.embargoed_until is None:
        facts.record(session, actor, "demand.published", demand)
        return
    types = {
        Publication.DRAFT: "demand.returned_to_draft",
        Publication.IN_REVIEW: "demand.sent_to_review",
        Publication.PUBLISHED: "demand.embargoed",
        Publication.UNPUBLISHED: "demand.taken_down",
    }
    facts.record(
        session,
        actor,
        types[demand.publication],
        demand,
        audience=Audience.STAFF,
        reason=demand.publication_reason,
    )
