"""Campaigns and kinds as the API has them."""

from typing import Annotated

from pydantic import MISSING, AfterValidator, AwareDatetime, BaseModel, Field

from app.fields import Language, Schema, Slug, Text, Title, formed
from app.paging import PageQuery


def _distinct(languages: list[str]) -> list[str]:
    if len({language.lower() for language in languages}) < len(languages):
        raise ValueError("name each language once")
    return languages


Prefix = Annotated[
    str, formed(r"^[A-Z][A-Z0-9]{0,9}$", "a prefix has up to ten capital letters and digits, such as `NK`")
]
Languages = Annotated[list[Language], Field(min_length=1, max_length=50), AfterValidator(_distinct)]
ReviewInterval = Annotated[int, Field(strict=True, ge=1, le=3650)]
Labels = Annotated[dict[Language, Title], Field(min_length=1, max_length=50)]
LabelChanges = Annotated[dict[Language, Title | None], Field(max_length=50)]


class CampaignNew(Schema):
    slug: Slug
    prefix: Prefix
    name: Title
    about: Text | None = None
    languages: Languages
    review_interval_days: ReviewInterval = 90


class CampaignRevision(Schema):
    name: Title | MISSING = MISSING
    about: Text | None | MISSING = MISSING
    languages: Languages | MISSING = MISSING
    review_interval_days: ReviewInterval | MISSING = MISSING


class CampaignRead(BaseModel):
    slug: str
    prefix: str
    name: str
    about: str | None
    languages: list[str]
    review_interval_days: int
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class CampaignQuery(PageQuery):
    """All of them, in the order of their slugs."""


class KindNew(Schema):
    slug: Slug
    label: Labels
    about: Text | None = None


class KindRevision(Schema):
    label: LabelChanges | MISSING = MISSING
    about: Text | None | MISSING = MISSING


class KindRead(BaseModel):
    slug: str
    label: dict[str, str]
    about: str | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class KindQuery(PageQuery):
    """All of them, in the order of their slugs."""
