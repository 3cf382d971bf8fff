"""Verbs that change campaigns and kinds. Everyone may see both."""

from sqlmodel import Session, select

from app import etags, ledger
from app.accounts.actor import Actor
from app.accounts.roles import Role
from app.campaigns.models import Campaign, Kind
from app.campaigns.queries import campaign_read, get_campaign, get_kind, kind_read
from app.campaigns.schemas import CampaignNew, CampaignRead, CampaignRevision, KindNew, KindRead, KindRevision
from app.fields import Audience, merged
from app.problems import Conflict, invalid


def create_campaign(session: Session, actor: Actor, new: CampaignNew) -> CampaignRead:
    """Raises Conflict where the slug or the prefix is taken."""
    actor.must_be(Role.EDITOR)
    if session.exec(select(Campaign).where(Campaign.slug == new.slug)).first():
        raise Conflict(f"There is a campaign {new.slug} already.")
    holder = session.exec(select(Campaign).where(Campaign.prefix == new.prefix)).first()
    if holder:
        raise Conflict(f"The prefix {new.prefix} belongs to the campaign {holder.slug}.")
    campaign = Campaign.model_validate(new.model_dump())
    session.add(campaign)
    _record_campaign(session, actor, "campaign.created", campaign)
    return campaign_read(campaign)


def revise_campaign(
    session: Session, actor: Actor, slug: str, revision: CampaignRevision, if_match: str | None
) -> CampaignRead:
    actor.must_be(Role.EDITOR)
    campaign = get_campaign(session, slug, lock=True)
    etags.check(if_match, campaign.version)
    was = campaign_read(campaign)
    campaign.sqlmodel_update(revision.model_dump())
    return was if campaign_read(campaign) == was else campaign_revised(session, actor, campaign)


def campaign_revised(
    session: Session, actor: Actor, campaign: Campaign, type: str = "campaign.revised"
) -> CampaignRead:
    """Let everyone know that the campaign was changed."""
    campaign.touch()
    _record_campaign(session, actor, type, campaign)
    return campaign_read(campaign)


def create_kind(session: Session, actor: Actor, new: KindNew) -> KindRead:
    """Raises Conflict where the slug is taken."""
    actor.must_be(Role.CAMPAIGNER)
    if session.exec(select(Kind).where(Kind.slug == new.slug)).first():
        raise Conflict(f"There is a kind {new.slug} already.")
    kind = Kind.model_validate(new.model_dump())
    session.add(kind)
    _record_kind(session, actor, "kind.created", kind)
    return kind_read(kind)


def revise_kind(session: Session, actor: Actor, slug: str, revision: KindRevision, if_match: str | None) -> KindRead:
    """Raises Invalid where no label would be left."""
    actor.must_be(Role.CAMPAIGNER)
    kind = get_kind(session, slug, lock=True)
    etags.check(if_match, kind.version)
    changes = revision.model_dump()
    if "label" in changes:
        changes["label"] = merged(kind.label, changes["label"])
        if not changes["label"]:
            raise invalid("body.label", "a kind has a label in at least one language")
    was = kind_read(kind)
    kind.sqlmodel_update(changes)
    return was if kind_read(kind) == was else kind_revised(session, actor, kind)


def kind_revised(session: Session, actor: Actor, kind: Kind, type: str = "kind.revised") -> KindRead:
    """Let everyone know that the kind was changed."""
    kind.touch()
    _record_kind(session, actor, type, kind)
    return kind_read(kind)


def _record_campaign(session: Session, actor: Actor, type: str, campaign: Campaign) -> None:
    about = ledger.About(keys=[f"campaign:{campaign.slug}"], campaign=campaign.slug)
    data = campaign_read(campaign).model_dump(mode="json")
    ledger.record(session, actor, type, about, audience=Audience.PUBLIC, campaign=data)


def _record_kind(session: Session, actor: Actor, type: str, kind: Kind) -> None:
    about = ledger.About(keys=[f"kind:{kind.slug}"])
    data = kind_read(kind).model_dump(mode="json")
    ledger.record(session, actor, type, about, audience=Audience.PUBLIC, kind=data)
