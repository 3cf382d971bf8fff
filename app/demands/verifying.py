"""How a second person confirms that a demand was met, or that this was reversed, and what takes the word back."""

import uuid

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.accounts.audience import shown_within
from app.accounts.queries import may_be
from app.accounts.roles import Role
from app.bodies.queries import with_ancestors
from app.demands import citing, facts
from app.demands.lifecycle import Stance, Verification
from app.demands.models import Citation, Demand, StatusChange, Target
from app.demands.reads import StatusChangeRead
from app.demands.records import get_status_change, status_change_read
from app.problems import Conflict
from app.sources.models import Source
from app.sources.queries import issuing_bodies


class NotVerifiable(Conflict):
    """This change cannot be verified"""

    type = "not-verifiable"
    remedy = "`detail` says what is missing: a second person, or a source that no target and no body above one issued."


def verify(session: Session, actor: Actor, change_id: uuid.UUID) -> StatusChangeRead:
    """A second person's word for a claimed change; again changes nothing.

    Raises NotFound, Forbidden, NotVerifiable that says which condition is missing.
    """
    actor.must_be(Role.EDITOR)
    demand, change = get_status_change(session, actor, change_id, lock=True)
    if change.verification is Verification.VERIFIED:
        return status_change_read(session, actor, change)
    _check_verifiable(session, actor, demand, change)
    change.verification = Verification.VERIFIED
    change.verified_at = clock.now()
    change.verified_by = actor.identity
    change.verifier_organization_id = actor.organization_id
    if change.number == citing.current_change(session, demand).number:
        demand.verification = Verification.VERIFIED
    demand.touch()
    made = status_change_read(session, actor, change)
    told = made.model_copy(update={"internal_note": None})
    facts.record(session, actor, "demand.status_verified", demand, change=told)
    return made


def settle(session: Session, demand: Demand) -> None:
    """Now that others are asked, or read it: what nothing independent that they see supports is claimed again."""
    verified = select(StatusChange).where(
        col(StatusChange.demand_id) == demand.key, col(StatusChange.verification) == Verification.VERIFIED
    )
    for change in session.scalars(verified).all():
        if not _independent_support(session, demand, change):
            change.verification = Verification.CLAIMED
            change.verified_at = change.verified_by = change.verifier_organization_id = None
            if change.number == citing.current_change(session, demand).number:
                demand.verification = Verification.CLAIMED


def _check_verifiable(session: Session, actor: Actor, demand: Demand, change: StatusChange) -> None:
    if change.verification is None:
        raise NotVerifiable(f"Only `met` and `reversed` are verified; this change is to {change.to_status}.")
    if change.author == actor.identity:
        raise NotVerifiable("Whoever recorded a change cannot verify it; a second person has to.")
    if may_be(session, actor, change.author):
        raise NotVerifiable(
            "Of your key and the one that recorded this change, one belongs to a person and the other to nobody, so "
            "they may be in the same hands. What a person recorded is for another person's key to verify; keys that "
            "belong to nobody count as different people among themselves."
        )
    if not _independent_support(session, demand, change):
        raise NotVerifiable(
            f"At least one supporting source that everyone who may see {demand.ref} may see too (audience "
            f"{demand.audience}) must not be issued by a target of the demand or by a body above one; "
            f"add one with `POST …/citations` and `status_change: {change.id}`."
        )


def _independent_support(session: Session, demand: Demand, change: StatusChange) -> bool:
    """Whether some supporting source, open to the demand's readers, is of neither a target nor a body above one."""
    supporting = (
        select(col(Citation.source_id))
        .join(Source, col(Source.id) == col(Citation.source_id))
        .where(col(Citation.status_change_id) == change.id, col(Citation.stance) == Stance.SUPPORTS)
        .where(shown_within(demand.audience, Source.audience))
    )
    ids = set(session.scalars(supporting))
    targets = session.scalars(select(col(Target.body_id)).where(col(Target.demand_id) == demand.key))
    asked = with_ancestors(session, targets)
    issued = issuing_bodies(session, ids)
    return any(not issued.get(source_id, set()) & asked for source_id in ids)
