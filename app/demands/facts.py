"""What the ledger is told about a demand: the keys that filters match, and the demand as its audience sees it."""

from pydantic import BaseModel
from sqlmodel import Session, col

from app import ledger
from app.accounts.actor import Actor
from app.bodies.queries import slugs_upward
from app.demands.assembling import demands_read, selected
from app.demands.lifecycle import Publication
from app.demands.models import Demand
from app.demands.reads import DemandRead
from app.fields import Audience

FLAGS = ("disputed", "overdue", "stale", "no_response")
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
    seen = _as_seen(session, demand)
    shown = {"ref": demand.ref} if notice else seen.model_dump(mode="json", exclude=PRIVATE)
    plain = {name: part.model_dump(mode="json") if isinstance(part, BaseModel) else part for name, part in data.items()}
    ledger.record(
        session,
        actor,
        type,
        _about(session, demand, seen),
        audience=audience or demand.audience,
        notice=notice,
        demand=shown,
        **plain,
    )


def _as_seen(session: Session, demand: Demand) -> DemandRead:
    """The demand as its own audience sees it at this moment."""
    reader = Actor(role=None, audience=demand.audience)
    rows = session.execute(selected().where(col(Demand.id) == demand.key)).all()
    return demands_read(session, reader, rows, with_related=False)[0]


def _about(session: Session, demand: Demand, seen: DemandRead) -> ledger.About:
    """Its keys: campaign, kind, status, group, targets with all bodies above them, issuers, tags, flags."""
    above = slugs_upward(session, [target.body.slug for target in seen.targets])
    return ledger.About(
        keys={
            f"demand:{seen.ref}",
            f"campaign:{seen.campaign}",
            f"kind:{seen.kind}",
            f"status:{seen.status}",
            f"group:{seen.status_group}",
            *(f"body:{slug}" for slug in above),
            *(f"issuer:{issuer.slug}" for issuer in seen.issuers),
            *(f"tag:{tag}" for tag in seen.tags),
            *(f"{flag}:true" for flag in FLAGS if getattr(seen, flag)),
        },
        campaign=seen.campaign,
        demand=seen.ref,
        visible_to=demand.circle,
    )


def while_shown(demand: Demand) -> Audience:
    """The audience of work on the demand itself: nobody but staff needs to know what a draft once said."""
    return demand.audience if demand.publication is Publication.PUBLISHED else Audience.STAFF
