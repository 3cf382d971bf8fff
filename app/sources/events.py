"""What each event about a source tells."""

from pydantic import BaseModel

from app.sources.schemas import SourceRead


class AboutSource(BaseModel):
    source: SourceRead


class SourceSlug(BaseModel):
    slug: str


class SourceWithdrawn(BaseModel):
    """Says no more of the source than which it is."""

    source: SourceSlug


EVENTS: dict[str, type[BaseModel]] = {
    "source.created": AboutSource,
    "source.redacted": AboutSource,
    "source.revised": AboutSource,
    "source.withdrawn": SourceWithdrawn,
}
