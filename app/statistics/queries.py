"""How many demands of each sort there are among those that an actor may see."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Row, func, select
from sqlmodel import Session, col

from app import clock
from app.accounts.actor import Actor
from app.campaigns.models import Campaign, Kind
from app.demands.filters import DemandCriteria, narrow, no_response, overdue, stale
from app.demands.lifecycle import Group, Status, Verification
from app.demands.models import Demand
from app.demands.standing import standing
from app.statistics.addressing import TARGETS, Addressed, names
from app.statistics.schemas import BodyTally, CampaignTally, Checked, KindTally, Summary, Verifications

Key = TypeVar("Key")
Tallied = TypeVar("Tallied", BodyTally, CampaignTally, KindTally)


def summarize(session: Session, actor: Actor, criteria: DemandCriteria) -> Summary:
    """Raises Invalid that names a value which does not exist."""
    rows = _sorts(session, actor, criteria)
    by_status = _sum(rows, lambda row: row.status)
    checked = _sum(rows, lambda row: (row.status, row.verification))
    return Summary(
        **tally(_sum(rows, _group)),
        by_status={status: by_status[status] for status in Status},
        by_kind=_by_kind(session, rows),
        by_body=_by_body(session, actor, criteria),
        by_campaign=_by_campaign(session, rows),
        verification=Verifications(met=_checked(checked, Status.MET), reversed=_checked(checked, Status.REVERSED)),
        disputed=sum(row.disputed for row in rows),
        overdue=sum(row.overdue for row in rows),
        stale=sum(row.stale for row in rows),
        no_response=sum(row.no_response for row in rows),
    )


def tally(counts: Mapping[Group, int]) -> dict[str, Any]:
    """The members of a `Tally`: every group, zeros included."""
    return {"total": sum(counts.values()), "by_group": {group: counts.get(group, 0) for group in Group}}


def _sorts(session: Session, actor: Actor, criteria: DemandCriteria) -> Sequence[Row[Any]]:
    """One pass over the demands: a row for all that are alike in what is counted by."""
    now, day = standing(criteria.as_of is not None), criteria.as_of or clock.today()
    alike = (col(Demand.campaign_id), col(Demand.kind_id), now.status, now.verification)
    statement = select(
        col(Demand.campaign_id),
        col(Demand.kind_id),
        now.status.label("status"),
        now.verification.label("verification"),
        func.count().label("total"),
        func.count().filter(now.disputed.is_(True)).label("disputed"),
        func.count().filter(overdue(now.status, day)).label("overdue"),
        func.count().filter(stale(session, now.status, day)).label("stale"),
        func.count().filter(no_response(session, now.status, criteria.as_of)).label("no_response"),
    ).select_from(Demand)
    rows: Sequence[Row[Any]] = session.execute(narrow(statement, session, actor, criteria).group_by(*alike)).all()
    return rows


def _by_kind(session: Session, rows: Sequence[Row[Any]]) -> list[KindTally]:
    counts = _groups_by(rows, lambda row: row.kind_id)
    kinds = session.execute(select(col(Kind.id), col(Kind.slug), col(Kind.label)).where(col(Kind.id).in_(counts)))
    return _largest_first(KindTally(slug=slug, label=label, **tally(counts[key])) for key, slug, label in kinds)


def _by_campaign(session: Session, rows: Sequence[Row[Any]]) -> list[CampaignTally]:
    counts = _groups_by(rows, lambda row: row.campaign_id)
    columns = select(col(Campaign.id), col(Campaign.slug), col(Campaign.name))
    campaigns = session.execute(columns.where(col(Campaign.id).in_(counts)))
    return _largest_first(CampaignTally(slug=slug, name=name, **tally(counts[key])) for key, slug, name in campaigns)


def _by_body(session: Session, actor: Actor, criteria: DemandCriteria) -> list[BodyTally]:
    columns = select(standing(criteria.as_of is not None).status.label("status"), TARGETS.label("targets"))
    each = narrow(columns.select_from(Demand), session, actor, criteria).subquery()
    alike = select(each.c.status, each.c.targets, func.count()).group_by(each.c.status, each.c.targets)
    addressed = Addressed(session)
    counts: dict[str, Counter[Group]] = defaultdict(Counter)
    for status, targets, total in session.execute(alike):
        for slug in addressed[targets]:
            counts[slug][status.group] += total
    return _largest_first(BodyTally(**body.model_dump(), **tally(counts[body.slug])) for body in names(session, counts))


def _checked(counts: Mapping[tuple[Status, Verification | None], int], status: Status) -> Checked:
    return Checked(claimed=counts[status, Verification.CLAIMED], verified=counts[status, Verification.VERIFIED])


def _sum(rows: Iterable[Row[Any]], key: Callable[[Row[Any]], Key]) -> Counter[Key]:
    sums: Counter[Key] = Counter()
    for row in rows:
        sums[key(row)] += row.total
    return sums


def _groups_by(rows: Iterable[Row[Any]], key: Callable[[Row[Any]], Key]) -> dict[Key, Counter[Group]]:
    counts: dict[Key, Counter[Group]] = defaultdict(Counter)
    for row in rows:
        counts[key(row)][_group(row)] += row.total
    return counts


def _group(row: Row[Any]) -> Group:
    status: Status = row.status
    return status.group


def _largest_first(tallies: Iterable[Tallied]) -> list[Tallied]:
    return sorted(tallies, key=lambda tally: (-tally.total, tally.slug))
