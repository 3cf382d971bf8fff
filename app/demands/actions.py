"""Making and revising a demand."""

from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app import clock, etags
from app.accounts.actor import Actor
from app.accounts.queries import audiences_of, organizations_named
from app.accounts.roles import Role
from app.bodies.queries import bodies_named
from app.campaigns.models import Campaign
from app.campaigns.queries import campaigns_named, kinds_named
from app.database import locked
from app.dates import PartialDate
from app.demands import citing, facts, publishing, standing, verifying
from app.demands.lifecycle import ChangeKind, Publication, Status, Verification
from app.demands.models import Demand, Indicator, Issuer, Reading, Response, StatusChange, Tag, Target
from app.demands.queries import get_demand, read_demand
from app.demands.reads import DemandRead
from app.demands.schemas import DemandNew, DemandRevision, Opening, TargetNew
from app.fields import Audience
from app.ledger.reading import has_happened
from app.problems import Conflict, invalid

OPENED = "The demand was made."
WHAT_WAS_VERIFIED = {"asks", "counts_as_met", "targets"}


def create_demand(session: Session, actor: Actor, new: DemandNew) -> DemandRead:
    """A draft with the campaign's next ref; raises Invalid for names that do not exist or dates that cannot be."""
    actor.must_be(Role.CAMPAIGNER)
    campaign = campaigns_named(session, [new.campaign], "body.campaign")[0]
    kind = kinds_named(session, [new.kind], "body.kind")[0]
    number = _next_number(session, campaign)
    opening = new.opening or Opening(effective_on=new.first_made_on, reason=OPENED)
    if opening.effective_on.last_day < new.first_made_on.first_day:
        raise invalid("body.opening.effective_on", "it cannot have stood open before it was first made")
    _check_deadline(new.deadline, new.first_made_on, "body.deadline")
    demand = Demand(
        **new.model_dump(include={"title", "asks", "counts_as_met", "first_made_on", "deadline"}),
        sensitivity=new.sensitivity,
        audience=new.audience,
        ref=f"{campaign.prefix}-{number}",
        ref_order=f"{campaign.prefix}-{number:09}",
        campaign_id=campaign.id,
        number=number,
        kind_id=kind.id,
        status_since=opening.effective_on,
    )
    session.add(demand)
    session.flush()
    _set_targets(session, demand, new.targets)
    _set_issuers(session, actor, demand, new.issuers)
    _set_tags(session, demand, new.tags)
    if new.indicator:
        _set_indicator(session, demand, new.indicator.model_dump())
    _open(session, actor, demand, opening)
    facts.record(session, actor, "demand.created", demand, audience=facts.while_shown(demand))
    return read_demand(session, actor, demand.ref)


def revise_demand(
    session: Session, actor: Actor, ref: str, revision: DemandRevision, if_match: str | None
) -> DemandRead:
    """Raises PreconditionRequired or Stale (If-Match), Forbidden where only an editor may, Invalid, Conflict."""
    actor.must_be(Role.CAMPAIGNER)
    demand = get_demand(session, actor, ref, lock=True)
    etags.check(if_match, demand.version, required=True)
    changes = revision.model_dump(exclude={"kind", "targets", "issuers", "tags", "indicator"})
    wanted = revision.model_fields_set
    was = read_demand(session, actor, ref)
    before, keys = demand.circle, facts.lasting_keys(session, demand)
    if demand.publication is Publication.PUBLISHED and changes.keys() & {"audience", "sensitivity"}:
        actor.must_be(Role.EDITOR)
    if demand.verification is Verification.VERIFIED and wanted & WHAT_WAS_VERIFIED:
        actor.must_be(Role.EDITOR)
    if "last_checked_on" in changes and changes["last_checked_on"] > clock.today():
        raise invalid("body.last_checked_on", "nobody has checked yet on a day in the future")
    if "first_made_on" in changes:
        _keep_the_beginning_true(session, demand, changes["first_made_on"])
    demand.sqlmodel_update(changes)
    if dated := [name for name in ("deadline", "first_made_on") if name in changes]:
        _check_deadline(demand.deadline, demand.first_made_on, f"body.{dated[0]}")
    if "audience" in changes:
        citing.settle_disputes(session, demand)
    if "kind" in wanted:
        demand.kind_id = kinds_named(session, [str(revision.kind)], "body.kind")[0].id
    if isinstance(revision.targets, list):
        _set_targets(session, demand, revision.targets)
    if wanted & {"audience", "targets"}:
        verifying.settle(session, demand)
    if isinstance(revision.issuers, list):
        _set_issuers(session, actor, demand, revision.issuers)
    if isinstance(revision.tags, list):
        _set_tags(session, demand, revision.tags)
    if "indicator" in wanted:
        _set_indicator(session, demand, revision.model_dump(include={"indicator"})["indicator"])
    if (now := read_demand(session, actor, ref)) == was:
        return was
    demand.touch()
    publishing.notice_if_narrower(session, actor, demand, before)
    publishing.tell_anew_if_wider(session, demand)
    if before.is_narrower_than(demand.circle):
        facts.record(session, actor, "demand.published", demand)
    facts.record_revision(session, actor, demand, keys, _concerned(session, was, now))
    return read_demand(session, actor, ref)


def _concerned(session: Session, was: DemandRead, now: DemandRead) -> Audience:
    """The widest circle that reads something else now: each reads the issuers that it may see."""
    if was.model_copy(update={"issuers": now.issuers}) != now:
        return Audience.PUBLIC
    seen_by = audiences_of(session, {issuer.slug for issuer in (*was.issuers, *now.issuers)})

    def read_by(circle: Audience, demand: DemandRead) -> list[str]:
        return [issuer.slug for issuer in demand.issuers if seen_by[issuer.slug] in circle.sees]

    return next(circle for circle in Audience if read_by(circle, was) != read_by(circle, now))


def _check_deadline(deadline: PartialDate | None, made_on: PartialDate, where: str) -> None:
    if deadline and deadline.last_day < made_on.first_day:
        raise invalid(
            where, f"the deadline {deadline} would have passed before the demand was first made, on {made_on}"
        )


def _next_number(session: Session, campaign: Campaign) -> int:
    statement = locked(select(Campaign).where(col(Campaign.id) == campaign.id))
    counting: Campaign = session.execute(statement).scalar_one()
    counting.last_number += 1
    return counting.last_number


def _open(session: Session, actor: Actor, demand: Demand, opening: Opening) -> None:
    change = StatusChange(
        demand_id=demand.key,
        number=1,
        kind=ChangeKind.CHANGE,
        to_status=Status.OPEN,
        effective_on=opening.effective_on,
        reason=opening.reason,
        author=actor.identity,
        organization_id=actor.organization_id,
    )
    change.counts_from = standing.counts_from(change, demand.first_made_on, None)
    session.add(change)
    where = "body.opening.citations.{}.source".format
    cited = citing.attach(session, actor, demand, opening.citations, where, change)
    demand.disputed = change.disputed = citing.contradicted(session, demand, cited)


def _keep_the_beginning_true(session: Session, demand: Demand, made_on: PartialDate) -> None:
    """The history begins with the demand while nobody has been shown either; after that it stays as it was told.

    Raises Invalid where the demand would then have stood in some status before it was made.
    """
    opening, *others = session.scalars(
        select(StatusChange).where(col(StatusChange.demand_id) == demand.key).order_by(col(StatusChange.number))
    )
    was_shown = has_happened(session, f"demand:{demand.ref}", "demand.published")
    follows = opening.effective_on == demand.first_made_on and not was_shown
    for change in others if follows else (opening, *others):
        if change.effective_on.last_day < made_on.first_day:
            raise invalid(
                "body.first_made_on",
                f"{demand.ref} is recorded as {change.to_status} since {change.effective_on}, which is earlier, and a "
                "history stays as it was told; a demand made anew can supersede this one",
            )
    if follows:
        opening.effective_on = made_on
        if not others:
            demand.status_since = made_on
    before = None
    for change in (opening, *others):
        change.counts_from = standing.counts_from(change, made_on, before)
        before = change


def _set_targets(session: Session, demand: Demand, targets: list[TargetNew]) -> None:
    """Bodies that stay keep their responses; one that has answered cannot be dropped."""
    bodies = bodies_named(session, [target.body for target in targets], lambda i: f"body.targets.{i}.body")
    present = {t.body_id: t for t in session.scalars(select(Target).where(col(Target.demand_id) == demand.key))}
    for body_id in present.keys() - {body.id for body in bodies}:
        answered = select(Response).where(col(Response.demand_id) == demand.key, col(Response.body_id) == body_id)
        if session.scalars(answered).first():
            raise Conflict("A target that has a response on record cannot be dropped; its answer would lose its place.")
        session.delete(present[body_id])
    for position, (target, body) in enumerate(zip(targets, bodies, strict=True)):
        row = present.get(body.id) or Target(demand_id=demand.key, body_id=body.id, role=target.role)
        row.role, row.position = target.role, position
        session.add(row)


def _set_issuers(session: Session, actor: Actor, demand: Demand, slugs: list[str]) -> None:
    organizations = organizations_named(session, actor, slugs, lambda i: f"body.issuers.{i}")
    present = {i.organization_id: i for i in session.scalars(select(Issuer).where(col(Issuer.demand_id) == demand.key))}
    for organization_id in present.keys() - {organization.id for organization in organizations}:
        session.delete(present[organization_id])
    for position, organization in enumerate(organizations):
        row = present.get(organization.id) or Issuer(demand_id=demand.key, organization_id=organization.id)
        row.position = position
        session.add(row)


def _set_tags(session: Session, demand: Demand, tags: list[str]) -> None:
    present = {t.tag: t for t in session.scalars(select(Tag).where(col(Tag.demand_id) == demand.key))}
    for gone in present.keys() - set(tags):
        session.delete(present[gone])
    session.add_all(Tag(demand_id=demand.key, tag=tag) for tag in tags if tag not in present)


def _set_indicator(session: Session, demand: Demand, changes: dict[str, Any] | None) -> None:
    """Merge the changes into the indicator; None takes it away, unless it has readings, which belong to it."""
    present = session.get(Indicator, demand.key)
    if changes is None:
        if present is None:
            return
        if session.scalars(select(Reading).where(col(Reading.demand_id) == demand.key)).first():
            raise Conflict("This indicator has readings; revise it instead of taking it away.")
        session.delete(present)
    elif present is None:
        for name in ("name", "unit"):
            if name not in changes:
                raise invalid(f"body.indicator.{name}", "there is no indicator yet, and a new one needs it")
        session.add(Indicator(demand_id=demand.key, **changes))
    else:
        present.sqlmodel_update(changes)
