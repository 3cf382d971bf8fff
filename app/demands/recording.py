"""What else is recorded about a demand: progress, answers, counts, planned steps."""

import uuid

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.bodies.queries import bodies_named
from app.demands import citing, facts
from app.demands.lifecycle import Answer
from app.demands.models import Demand, Indicator, Milestone, Reading, Response, Target, Update
from app.demands.queries import get_demand
from app.demands.reads import MilestoneRead, ReadingRead, ResponseRead, UpdateRead
from app.demands.records import milestone_read, reading_read, response_read, update_read
from app.demands.schemas import MilestoneNew, MilestoneRevision, ReadingNew, ResponseNew, UpdateNew
from app.problems import Conflict, NotFound, invalid


def add_update(session: Session, actor: Actor, ref: str, new: UpdateNew) -> UpdateRead:
    """A note of progress that changes no status."""
    demand = _locked(session, actor, ref)
    update = Update(demand_id=demand.key, dated=new.on, text=new.text, organization_id=actor.organization_id)
    session.add(update)
    cited = citing.attach(session, actor, demand, new.citations, citing.in_body, update)
    demand.note_checked(new.on, actor)
    demand.touch()
    read = update_read(update, actor.organization, citing.made(session, actor.organization, cited))
    facts.record(session, actor, "demand.update_added", demand, update=read)
    return read


def record_response(session: Session, actor: Actor, ref: str, new: ResponseNew) -> ResponseRead:
    """What a target said; the newest by date stands as the target's response. Raises Invalid for another body."""
    demand = _locked(session, actor, ref)
    body = bodies_named(session, [new.body], lambda _: "body.body")[0]
    target = session.get(Target, (demand.key, body.id))
    if target is None:
        raise invalid("body.body", f"{new.body} is not a target of {ref}")
    if not new.citations:
        raise invalid("body.citations", "cite where the response is written")
    response = Response(
        demand_id=demand.key,
        body_id=body.id,
        response=new.response,
        dated=new.on,
        says=new.says,
        organization_id=actor.organization_id,
    )
    session.add(response)
    cited = citing.attach(session, actor, demand, new.citations, citing.in_body, response)
    if target.response_on is None or new.on >= target.response_on:
        target.response, target.response_on = new.response, new.on
        demand.answered = _is_answered(session, demand)
    demand.note_checked(new.on, actor)
    demand.touch()
    read = response_read(response, new.body, actor.organization, citing.made(session, actor.organization, cited))
    facts.record(session, actor, "demand.response_recorded", demand, response=read)
    return read


def take_reading(session: Session, actor: Actor, ref: str, new: ReadingNew) -> ReadingRead:
    """A value of the demand's indicator; raises Conflict where it has none."""
    demand = _locked(session, actor, ref)
    indicator = session.get(Indicator, demand.key)
    if indicator is None:
        raise Conflict(f"{ref} has no indicator; give it one with PATCH first.")
    reading = Reading(demand_id=demand.key, dated=new.on, value=new.value, organization_id=actor.organization_id)
    session.add(reading)
    cited = citing.attach(session, actor, demand, new.citations, citing.in_body, reading)
    if indicator.latest_on is None or new.on >= indicator.latest_on:
        indicator.latest, indicator.latest_on = new.value, new.on
    demand.note_checked(new.on, actor)
    demand.touch()
    read = reading_read(reading, actor.organization, citing.made(session, actor.organization, cited))
    facts.record(session, actor, "demand.reading_taken", demand, reading=read)
    return read


def plan_milestone(session: Session, actor: Actor, ref: str, new: MilestoneNew) -> MilestoneRead:
    demand = _locked(session, actor, ref)
    last = select(func.coalesce(func.max(col(Milestone.position)), 0)).where(col(Milestone.demand_id) == demand.key)
    milestone = Milestone(demand_id=demand.key, position=session.execute(last).scalar_one() + 1, **new.model_dump())
    session.add(milestone)
    demand.touch()
    read = milestone_read(milestone)
    facts.record(session, actor, "demand.milestone_planned", demand, milestone=read)
    return read


def revise_milestone(
    session: Session, actor: Actor, ref: str, milestone_id: uuid.UUID, revision: MilestoneRevision
) -> MilestoneRead:
    """Raises NotFound."""
    demand = _locked(session, actor, ref)
    milestone = session.get(Milestone, milestone_id)
    if milestone is None or milestone.demand_id != demand.key:
        raise NotFound(f"{ref} has no milestone {milestone_id}.")
    was = milestone_read(milestone)
    milestone.sqlmodel_update(revision.model_dump())
    read = milestone_read(milestone)
    if read == was:
        return was
    demand.touch()
    reached = read.done_on is not None and was.done_on is None
    event = "demand.milestone_reached" if reached else "demand.milestone_revised"
    facts.record(session, actor, event, demand, milestone=read)
    return read


def _is_answered(session: Session, demand: Demand) -> bool:
    said = select(Target).where(col(Target.demand_id) == demand.key, col(Target.response) != Answer.NONE)
    return session.scalars(said).first() is not None


def _locked(session: Session, actor: Actor, ref: str) -> Demand:
    actor.must_be(Role.CAMPAIGNER)
    return get_demand(session, actor, ref, lock=True)
