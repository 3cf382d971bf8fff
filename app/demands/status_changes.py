"""How a demand's status changes; `verifying` has how a second person confirms it."""

from sqlmodel import Session

from app import etags
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.demands import citing, facts, relating, standing
from app.demands.lifecycle import ChangeKind, Stance, Status, Verification, moves_from
from app.demands.models import Demand, StatusChange
from app.demands.queries import get_demand
from app.demands.reads import StatusChangeRead
from app.demands.records import status_change_read
from app.demands.schemas import StatusChangeNew
from app.problems import Conflict, Invalid, invalid


class ForbiddenMove(Conflict):
    """A demand cannot go to that status from where it stands"""

    type = "forbidden-move"
    remedy = "Take one of `allowed_moves`. Where the record itself was wrong, an editor sends `kind: correction`."


class MissingEvidence(Invalid):
    """This status needs evidence"""

    type = "missing-evidence"
    remedy = "Send `citations` with it, at least one of which does not contradict the status."


def change_status(
    session: Session, actor: Actor, ref: str, new: StatusChangeNew, if_match: str | None = None
) -> StatusChangeRead:
    """Record what happened.

    Raises ForbiddenMove with the allowed moves, MissingEvidence, Invalid, Forbidden, Stale.
    """
    actor.must_be(Role.EDITOR if new.kind is ChangeKind.CORRECTION else Role.CAMPAIGNER)
    demand, successor = _locked(session, actor, ref, new)
    etags.check(if_match, demand.version)
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
    told = made.model_copy(update={"internal_note": None})
    facts.record(session, actor, "demand.status_changed", demand, change=told)
    if successor:
        relating.supersede(session, actor, successor, demand)
    return made


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
