"""What the ledger is told about a demand: the keys that filters match, and the demand as its audience sees it."""

from typing import Any

from pydantic import BaseModel
from sqlalchemy import select
from sqlmodel import Session, col

from app import ledger
from app.accounts.actor import Actor
from app.accounts.models import Organization
from app.bodies.queries import ancestry
from app.campaigns.models import Campaign, Kind
from app.demands.assembling import demands_read, selected
from app.demands.filters import DemandFilter, standing
from app.demands.lifecycle import Publication
from app.demands.models import Demand, Issuer, Tag, Target
from app.fields import Audience

PRIVATE = {"related", "allowed_moves", "citations", "history"}  # seen by some and not by others, or long


def record(
    session: Session,
    actor: Actor,
    type: str,
    demand: Demand,
    *,
    audience: Audience | None = None,
    notice: bool = False,
    **data: BaseModel | str | None,
) -> None:
    """One fact about a demand, for those who may see the demand once it is shown, unless `audience` is narrower."""
    session.flush()
    about = about_demand(session, demand)
    plain = {name: part.model_dump(mode="json") if isinstance(part, BaseModel) else part for name, part in data.items()}
    shown = {"ref": demand.ref} if notice else snapshot(session, demand)
    ledger.record(
        session, actor, type, about, audience=audience or demand.audience, notice=notice, demand=shown, **plain
    )


def snapshot(session: Session, demand: Demand) -> dict[str, Any]:
    """The demand as its own audience sees it at this moment."""
    reader = Actor(role=None, audience=demand.audience)
    row = session.execute(selected(standing(DemandFilter())).where(col(Demand.id) == demand.key)).all()
    return demands_read(session, reader, row)[0].model_dump(mode="json", exclude=PRIVATE)


def about_demand(session: Session, demand: Demand) -> ledger.About:
    """Its keys: campaign, kind, status, group, targets with all bodies above them, issuers, tags, flags."""
    campaign = session.get_one(Campaign, demand.campaign_id).slug
    kind = session.get_one(Kind, demand.kind_id).slug
    bodies = session.scalars(select(col(Target.body_id)).where(col(Target.demand_id) == demand.key)).all()
    issuers = session.scalars(
        select(col(Organization.slug))
        .join(Issuer, col(Issuer.organization_id) == col(Organization.id))
        .where(col(Issuer.demand_id) == demand.key)
    )
    tags = session.scalars(select(col(Tag.tag)).where(col(Tag.demand_id) == demand.key))
    above = ancestry(session, bodies)
    return ledger.About(
        keys={
            f"demand:{demand.ref}",
            f"campaign:{campaign}",
            f"kind:{kind}",
            f"status:{demand.status}",
            f"group:{demand.status.group}",
            *(f"body:{slug}" for slugs in above.values() for slug in slugs),
            *(f"issuer:{slug}" for slug in issuers),
            *(f"tag:{tag}" for tag in tags),
            *(["disputed:true"] if demand.disputed else []),
        },
        campaign=campaign,
        demand=demand.ref,
        visible_to=demand.circle,
    )


def while_shown(demand: Demand) -> Audience:
    """The audience of work on the demand itself: nobody but staff needs to know what a draft once said."""
    return demand.audience if demand.publication is Publication.PUBLISHED else Audience.STAFF
