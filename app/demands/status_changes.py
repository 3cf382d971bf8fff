"""How a demand's status changes, and how a second person confirms it."""

import uuid

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.accounts.audience import shown_within
from app.accounts.queries import may_be
from app.accounts.roles import Role
from app.bodies.queries import with_ancestors
from app.demands import citing, facts, relating, standing
from app.demands.lifecycle import ChangeKind, Stance, Status, Verification, moves_from
from app.demands.models import Citation, Demand, StatusChange, Target
from app.demands.queries import get_demand
from app.demands.reads import StatusChangeRead
from app.demands.records import get_status_change, status_change_read
from app.demands.schemas import StatusChangeNew
from app.problems import Conflict, Invalid, invalid
from app.sources.models import Source
from app.sources.queries import issuing_bodies


class ForbiddenMove(Conflict):
    """A demand cannot go to that status from where it stands"""

    type = "forbidden-move"


class MissingEvidence(Invalid):
    """This status needs evidence"""

    type = "missing-evidence"


class NotVerifiable(Conflict):
    """This change cannot be verified"""

    type = "not-verifiable"


def change_status(session: Session, actor: Actor, ref: str, new: StatusChangeNew) -> StatusChangeRead:
    """Record what happened. Raises ForbiddenMove with the allowed moves, MissingEvidence, Invalid, Forbidden."""
    actor.must_be(Role.EDITOR if new.kind is ChangeKind.CORRECTION else Role.CAMPAIGNER)
    demand, successor = _locked(session, actor, ref, new)
    before = citing.current_change(session, demand)
    _check_move(demand, new)
    _check_date(demand, before, new)
    _check_evidence(new)
    change = StatusChange(
        **new.model_dump(include={"kind", "effective_on", "reason", "internal_note", "confidence"}),
        demand_id=demand.key,
        number=before.number + 1,
        from_status=demand.status,
        to_status=new.to,
        successor_id=successor.key if successor else None,
        author=actor.identity,
        organization_id=actor.organization_id,
        verification=Verification.CLAIMED if new.to.needs_verification else None,
    )
    change.counts_from = standing.counts_from(change, demand.first_made_on, before)
    session.add(change)
    cited = citing.attach(session, actor, demand, new.citations, citing.in_body, change)
    change.disputed = citing.contradicted(session, demand, cited)
    _apply(demand, change, actor)
    made = status_change_read(session, actor, change)
    shown = made.model_copy(
        update={
            "internal_note": None,
            "citations": citing.shown_within(session, demand.audience, actor.organization, cited),
            "successor": successor.ref if successor and successor.circle in demand.audience.sees else None,
        }
    )
    facts.record(session, actor, "demand.status_changed", demand, change=shown)
    if successor:
        relating.supersede(session, actor, successor, demand)
    return made


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
    shown = status_change_read(session, Actor(role=None, audience=demand.audience), change)
    facts.record(session, actor, "demand.status_verified", demand, change=shown)
    return status_change_read(session, actor, change)


def _locked(session: Session, actor: Actor, ref: str, new: StatusChangeNew) -> tuple[Demand, Demand | None]:
    """The demand, and the one that takes its place if that is what happened."""
    if new.to is Status.SUPERSEDED:
        if new.successor is None:
            raise invalid("body.successor", "name the demand that takes this one's place")
        if new.successor == ref:
            raise invalid("body.successor", "a demand cannot supersede itself")
        return relating.both_ends(session, actor, ref, new.successor, "body.successor")
    if new.successor:
        raise invalid("body.successor", "only `superseded` has a successor")
    return get_demand(session, actor, ref, lock=True), None


def _check_move(demand: Demand, new: StatusChangeNew) -> None:
    if new.kind is ChangeKind.CORRECTION:
        return
    allowed = moves_from(demand.status)
    if new.to not in allowed:
        raise ForbiddenMove(
            f"{demand.ref} is {demand.status}; from there it can become {', '.join(allowed)}. "
            "If the record itself was wrong, an editor sends `kind: correction`.",
            current=demand.status,
            allowed_moves=list(allowed),
        )


def _check_date(demand: Demand, before: StatusChange, new: StatusChangeNew) -> None:
    if new.effective_on.last_day < demand.first_made_on.first_day:
        raise invalid(
            "body.effective_on", f"{demand.ref} was first made ({demand.first_made_on}) only after {new.effective_on}"
        )
    if new.kind is ChangeKind.CHANGE and new.effective_on.last_day < before.counts_from.first_day:
        raise invalid(
            "body.effective_on",
            f"{demand.ref} has been {demand.status} since {before.counts_from}, which is later; "
            "an editor can send `kind: correction`",
        )


def _check_evidence(new: StatusChangeNew) -> None:
    supporting = [citation for citation in new.citations if citation.stance is not Stance.CONTRADICTS]
    if new.to.needs_evidence and not supporting:
        raise MissingEvidence(
            f"{new.to} needs at least one citation that does not contradict it.",
            errors=[{"where": "body.citations", "what": "at least one citation is needed"}],
        )


def _apply(demand: Demand, change: StatusChange, actor: Actor) -> None:
    demand.status = change.to_status
    demand.status_since = change.effective_on
    demand.verification = change.verification
    demand.confidence = change.confidence
    demand.disputed = change.disputed
    demand.note_checked(change.effective_on, actor)
    demand.touch()


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
