"""What was asked of each body, how it answered, and what came of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Any

from sqlalchemy import String, and_, cast, func, select, type_coerce
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.bodies.models import Body
from app.bodies.queries import with_descendants
from app.dates import PartialDate
from app.demands.filters import DemandCriteria, narrow
from app.demands.lifecycle import Answer, Status, Verification
from app.demands.models import Demand, Response, Target
from app.demands.standing import latest_response, standing
from app.statistics.addressing import TARGETS, Addressed, names
from app.statistics.schemas import OldestOpen, Scorecard, Scorecards

DIGITS = 4  # of a rate
BEFORE = -1  # instead of a number of days


def score(session: Session, actor: Actor, criteria: DemandCriteria) -> Scorecards:
    """The most asked first. Where the criteria name bodies, only these and those below them: of others, not all shows.

    Raises Invalid that names a value which does not exist.
    """
    cards = _cards(session, actor, criteria)
    if criteria.body:
        below = with_descendants(session, criteria.body, "query.body")
        listed = set(session.scalars(select(col(Body.slug)).where(col(Body.id).in_(below))))
        cards = {slug: card for slug, card in cards.items() if slug in listed}
    oldest = _named(session, [card.oldest_open for card in cards.values() if card.oldest_open])
    shown = [Scorecard(**body.model_dump(), **_figures(cards[body.slug], oldest)) for body in names(session, cards)]
    return Scorecards(items=sorted(shown, key=lambda card: (-card.asked, card.slug)))


@dataclass(slots=True)
class _Card:
    asked: int = 0
    met: int = 0
    met_claimed: int = 0
    oldest_open: str | None = None  # when it was first made, a space, and its ref as it sorts
    answered: int = 0
    waits: list[int] = field(default_factory=list)  # days to the first response, where that came after the demand


def _cards(session: Session, actor: Actor, criteria: DemandCriteria) -> dict[str, _Card]:
    addressed = Addressed(session)
    cards: dict[str, _Card] = defaultdict(_Card)
    for status, verification, targets, total, oldest in _alike(session, actor, criteria):
        verified = total if status is Status.MET and verification is Verification.VERIFIED else 0
        claimed = total - verified if status is Status.MET else 0
        is_open = not status.is_settled
        for slug in addressed[targets]:
            card = cards[slug]
            card.asked += total
            card.met += verified
            card.met_claimed += claimed
            if is_open and (card.oldest_open is None or oldest < card.oldest_open):
                card.oldest_open = oldest
    for _, responses in groupby(_first_responses(session, actor, criteria), key=itemgetter(0)):
        waits: dict[str, int] = {}
        for _, body, made_on, responded_on in responses:
            days = _wait(made_on, responded_on)
            for slug in addressed[body]:
                waits[slug] = min(days, waits.get(slug, days))
        for slug, days in waits.items():
            cards[slug].answered += 1
            if days != BEFORE:
                cards[slug].waits.append(days)
    return cards


def _alike(session: Session, actor: Actor, criteria: DemandCriteria) -> Iterable[Any]:
    """How many demands are alike in how they stand and whom they address, and the oldest of these."""
    now = standing(criteria.as_of is not None)
    columns = select(
        now.status.label("status"),
        now.verification.label("verification"),
        TARGETS.label("targets"),
        type_coerce(col(Demand.first_made_on), String).concat(" ").concat(col(Demand.ref_order)).label("age"),
    )
    each = narrow(columns.select_from(Demand), session, actor, criteria).subquery()
    alike = (each.c.status, each.c.verification, each.c.targets)
    return session.execute(select(*alike, func.count(), func.min(each.c.age)).group_by(*alike))


def _first_responses(session: Session, actor: Actor, criteria: DemandCriteria) -> Iterable[Any]:
    """Demand, target, when the one was made and when the other first responded, demand by demand."""
    day = PartialDate.of(criteria.as_of or clock.today())
    own = and_(col(Response.demand_id) == col(Target.demand_id), col(Response.body_id) == col(Target.body_id))
    statement = (
        select(
            col(Demand.id),
            cast(col(Target.body_id), String),
            type_coerce(col(Demand.first_made_on), String),
            func.min(type_coerce(col(Response.dated), String)),
        )
        .select_from(Demand)
        .join(Target, col(Target.demand_id) == col(Demand.id))
        .join(Response, own)
        .where(
            col(Response.dated) <= day,
            col(Response.response) != Answer.NONE,
            latest_response(Response.response, day) != Answer.NONE,
        )
        .group_by(col(Demand.id), col(Target.body_id), col(Demand.first_made_on))
        .order_by(col(Demand.id))
    )
    return session.execute(narrow(statement, session, actor, criteria))


@lru_cache(maxsize=10_000)
def _wait(made_on: str, responded_on: str) -> int:
    """Days, from first day to first day; BEFORE where the response was certainly there already."""
    made, responded = PartialDate(made_on), PartialDate(responded_on)
    return BEFORE if responded.last_day < made.first_day else max(0, (responded.first_day - made.first_day).days)


def _named(session: Session, oldest: list[str]) -> dict[str, OldestOpen]:
    demands = select(col(Demand.ref_order), col(Demand.ref), col(Demand.first_made_on))
    rows = session.execute(demands.where(col(Demand.ref_order).in_({text.split()[1] for text in oldest})))
    return {f"{made_on} {order}": OldestOpen(ref=ref, first_made_on=made_on) for order, ref, made_on in rows}


def _figures(card: _Card, oldest: dict[str, OldestOpen]) -> dict[str, Any]:
    return {
        "asked": card.asked,
        "answered": card.answered,
        "answer_rate": round(card.answered / card.asked, DIGITS),
        "median_days_to_first_response": median(card.waits) if card.waits else None,
        "met": card.met,
        "met_claimed": card.met_claimed,
        "share_met": round(card.met / card.asked, DIGITS),
        "oldest_open": oldest[card.oldest_open] if card.oldest_open else None,
    }
