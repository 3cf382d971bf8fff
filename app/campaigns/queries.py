"""Questions about campaigns and kinds."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from app.campaigns.models import Campaign, Kind
from app.campaigns.schemas import CampaignQuery, CampaignRead, KindQuery, KindRead
from app.database import locked
from app.paging import Order, Page
from app.problems import NotFound, Place, known


def list_campaigns(session: Session, query: CampaignQuery) -> Page[CampaignRead]:
    order = Order([col(Campaign.slug)])
    rows = session.execute(order.page(select(Campaign), query)).all()
    items = [campaign_read(row[0]) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def get_campaign(session: Session, slug: str, lock: bool = False) -> Campaign:
    """The row itself, locked for a change if asked. Raises NotFound."""
    statement = select(Campaign).where(Campaign.slug == slug)
    if lock:
        statement = locked(statement)
    found = session.exec(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no campaign {slug}.")
    return found


def campaigns_named(session: Session, slugs: Sequence[str], where: Place) -> list[Campaign]:
    """In the order of the slugs; raises Invalid for an unknown one."""
    found = {c.slug: c for c in session.exec(select(Campaign).where(col(Campaign.slug).in_(slugs)))}
    return known(found, slugs, "campaign", where)


def list_kinds(session: Session, query: KindQuery) -> Page[KindRead]:
    order = Order([col(Kind.slug)])
    rows = session.execute(order.page(select(Kind), query)).all()
    items = [kind_read(row[0]) for row in rows[: query.limit]]
    return Page(items=items, next_cursor=order.next_cursor(rows, query))


def get_kind(session: Session, slug: str, lock: bool = False) -> Kind:
    """The row itself, locked for a change if asked. Raises NotFound."""
    statement = select(Kind).where(Kind.slug == slug)
    if lock:
        statement = locked(statement)
    found = session.exec(statement).one_or_none()
    if found is None:
        raise NotFound(f"There is no kind {slug}.")
    return found


def kinds_named(session: Session, slugs: Sequence[str], where: Place) -> list[Kind]:
    """In the order of the slugs; raises Invalid for an unknown one."""
    found = {k.slug: k for k in session.exec(select(Kind).where(col(Kind.slug).in_(slugs)))}
    return known(found, slugs, "kind", where)


def campaign_read(campaign: Campaign) -> CampaignRead:
    return CampaignRead.model_validate(campaign, from_attributes=True)


def kind_read(kind: Kind) -> KindRead:
    return KindRead.model_validate(kind, from_attributes=True)
