"""Who is addressed by a demand: its targets and the bodies above them, for what is asked of OCHA is asked of the UN."""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import String, cast, func, select
from sqlmodel import Session, col

from app.bodies.models import Body
from app.bodies.queries import ancestry
from app.bodies.schemas import BodyName
from app.demands.models import Demand, Target

# a demand's targets as one text: one row a demand, and few different ones, so that the tree is climbed once for each
TARGETS = (
    select(func.aggregate_strings(cast(col(Target.body_id), String), ","))
    .where(col(Target.demand_id) == col(Demand.id))
    .correlate(Demand)
    .scalar_subquery()
)


class Addressed(dict[str, frozenset[str]]):
    """From `TARGETS` to the slugs of the bodies, each once."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.upward = ancestry(session, session.scalars(select(col(Body.id))))

    def __missing__(self, targets: str) -> frozenset[str]:
        self[targets] = found = frozenset(slug for body in targets.split(",") for slug in self.upward[uuid.UUID(body)])
        return found


def names(session: Session, slugs: Iterable[str]) -> list[BodyName]:
    columns: Any = select(col(Body.slug), col(Body.name), col(Body.acronym))
    rows = session.execute(columns.where(col(Body.slug).in_(list(slugs))).order_by(col(Body.slug)))
    return [BodyName(slug=row.slug, name=row.name, acronym=row.acronym) for row in rows]
