"""What the ledger is told about a demand: the keys that filters match, and the demand as its audience sees it."""

from collections.abc import Set
from dataclasses import replace

from pydantic import BaseModel
from sqlmodel import Session, col

from app import ledger
from app.accounts.actor import Actor
from app.accounts.queries import audiences_of
from app.bodies.queries import slugs_upward
from app.demands.assembling import demands_read, selected
from app.demands.lifecycle import Publication
from app.demands.models import Demand
from app.demands.reads import DemandRead
from app.fields import Audience
from app.ledger.reading import told_keys
from app.ledger.selecting import is_lasting, marked, unmarked

LASTING = {
    "ref",
    "campaign",
    "status",
    "status_group",
    "status_since",
    "verification",
    "disputed",
    "confidence",
    "url",
    "version",
}
LASTING_KEYS = {"demand", "campaign", "status", "group"}
FLAGS = ("disputed", "overdue", "stale", "no_response")
STAFF = Actor(role=None, audience=Audience.STAFF)
PRIVATE = {"related", "allowed_moves", "citations", "history"}  # seen by some and not by others, or long


def record(
    session: Session,
    actor: Actor,
    type: str,
    demand: Demand,
    *,
    audience: Audience | None = None,
    notice: bool = False,
    also: Set[str] = frozenset(),
    **data: BaseModel | str | None,
) -> None:
    """One fact about a demand, for those who may see the demand once it is shown, unless `audience` is narrower.

    What happens while it is hidden stands in its history from then on, and nobody is sent it any more. So it says
    nothing of what the demand says of itself until then, and only those who see it find it by that: it may be thought
    better of.

    It is written as staff see it; the gate takes out what a reader may not see. `also`: keys that it had in what was
    told of it before.
    """
    session.flush()
    audience = audience or demand.audience
    seen = _as_staff_see(session, demand)
    told_later = demand.circle not in audience.sees
    shown = seen.model_dump(mode="json", exclude=PRIVATE, include=LASTING if told_later else None)
    about = _about(session, demand, seen, audience)
    if told_later:
        about = replace(about, keys=[_until_shown(key, demand.circle, audience) for key in about.keys])
    plain = {name: part.model_dump(mode="json") if isinstance(part, BaseModel) else part for name, part in data.items()}
    ledger.record(
        session,
        actor,
        type,
        replace(about, keys={*about.keys, *also}),
        audience=audience,
        notice=notice,
        demand={"ref": demand.ref} if notice else shown,
        **plain,
    )


def lasting_keys(session: Session, demand: Demand) -> set[str]:
    """By which the demand is followed as it is now, whatever its status."""
    session.flush()
    return set(filter(is_lasting, _about(session, demand, _as_staff_see(session, demand), Audience.STAFF).keys))


def record_revision(session: Session, actor: Actor, demand: Demand, before: set[str], concerned: Audience) -> None:
    """Told also to those who follow by one of the lasting keys that it had `before`: they learn that it has left."""
    audience = while_shown(demand).within(concerned)
    gone = before - lasting_keys(session, demand)
    told = told_keys(session, f"demand:{demand.ref}", audience) if gone else set()
    left = {key for key in told if unmarked(key) in gone}
    record(session, actor, "demand.revised", demand, audience=audience, also=left)


def _as_staff_see(session: Session, demand: Demand) -> DemandRead:
    rows = session.execute(selected().where(col(Demand.id) == demand.key)).all()
    return demands_read(session, STAFF, rows, with_related=False)[0]


def _about(session: Session, demand: Demand, seen: DemandRead, audience: Audience) -> ledger.About:
    """Its keys: campaign, kind, status, group, targets with all bodies above them, issuers, tags, flags.

    By an issuer that not all of the audience may see, only those find it who may.
    """
    issuers = audiences_of(session, [issuer.slug for issuer in seen.issuers])
    above = slugs_upward(session, [target.body.slug for target in seen.targets])
    return ledger.About(
        keys={
            f"demand:{seen.ref}",
            f"campaign:{seen.campaign}",
            f"kind:{seen.kind}",
            f"status:{seen.status}",
            f"group:{seen.status_group}",
            *(f"body:{slug}" for slug in above),
            *(marked(f"issuer:{slug}", circle, audience) for slug, circle in issuers.items()),
            *(f"tag:{tag}" for tag in seen.tags),
            *(f"{flag}:true" for flag in FLAGS if getattr(seen, flag)),
        },
        campaign=seen.campaign,
        demand=seen.ref,
        visible_to=demand.circle,
    )


def _until_shown(key: str, circle: Audience, audience: Audience) -> str:
    key = unmarked(key)
    return key if key.partition(":")[0] in LASTING_KEYS else marked(key, circle, audience)


def while_shown(demand: Demand) -> Audience:
    """The audience of work on the demand itself: nobody but staff needs to know what a draft once said."""
    return demand.audience if demand.publication is Publication.PUBLISHED else Audience.STAFF
