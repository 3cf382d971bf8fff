"""What each event about a campaign, or a kind of demand, tells."""

from pydantic import BaseModel

from app.campaigns.schemas import CampaignRead, KindRead


class AboutCampaign(BaseModel):
    campaign: CampaignRead


class AboutKind(BaseModel):
    kind: KindRead


EVENTS: dict[str, type[BaseModel]] = {
    "campaign.created": AboutCampaign,
    "campaign.redacted": AboutCampaign,
    "campaign.revised": AboutCampaign,
    "kind.created": AboutKind,
    "kind.redacted": AboutKind,
    "kind.revised": AboutKind,
}
