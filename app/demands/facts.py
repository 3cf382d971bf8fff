"""What the ledger is told about a demand: the keys that filters match, and the demand as its audience sees it."""

from collections.abc import Callable, Iterable, Set
from dataclasses import replace

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
from app.ledger.reading import told_keys
from app.ledger.selecting import lasting

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
) -> set[str]:
    """One fact about a demand, for those who may see the demand once it is shown, unless `audience` is narrower.

    What happens while it is hidden will be told to them later. So it says nothing of what the demand says of itself
    until then, and carries no keys of it: that may be thought better of before anyone sees it.

    `also`: keys that it had in what its readers were told before.

    Returns the keys that the entry carries.
    """
    session.flush()
    seen = _as_seen(session, demand)
    told_later = demand.circle not in (audience or demand.audience).sees
    shown = seen.model_dump(mode="json", exclude=PRIVATE, include=LASTING if told_later else None)
    about = _about(session, demand, seen)
    if told_later:
        about = replace(about, keys=[key for key in about.keys if key.partition(":")[0] in LASTING_KEYS])
    carried = {*about.keys, *also}
    plain = {name: part.model_dump(mode="json") if isinstance(part, BaseModel) else part for name, part in data.items()}
    ledger.record(
        session,
        actor,
        type,
        replace(about, keys=carried),
        audience=audience or demand.audience,
        notice=notice,
        demand={"ref": demand.ref} if notice else shown,
        **plain,
    )
    return carried


def record_to_all_told(
    session: Session,
    actor: Actor,
    type: str,
    demand: Demand,
    circles: Iterable[Audience],
    told: Callable[[Audience], set[str]],
    *,
    notice: bool = False,
) -> None:
    """For the first and widest of these circles, and again for each within it that was told of the demand by more keys.

    No entry carries a key that some of its readers were not told. So one whose filter meets both may be told twice.
    """
    carried: set[str] = set()
    for circle in circles:
        keys = told(circle)
        if not carried or keys - carried:
            carried |= record(session, actor, type, demand, audience=circle, notice=notice, also=keys)


def lasting_keys(session: Session, demand: Demand) -> set[str]:
    """By which the demand is followed as it is now, whatever its status."""
    session.flush()
    return lasting(_about(session, demand, _as_seen(session, demand)).keys)


def record_revision(session: Session, actor: Actor, demand: Demand, before: set[str]) -> None:
    """Told also to those who follow by one of the lasting keys that it had `before`: they learn that it has left."""
    gone = before - lasting_keys(session, demand)

    def left(circle: Audience) -> set[str]:
        return gone & told_keys(session, f"demand:{demand.ref}", circle) if gone else gone

    record_to_all_told(session, actor, "demand.revised", demand, while_shown(demand).seen_by, left)


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
