"""The words that readers narrow events by: those of the list of demands, without knowing demands."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, BeforeValidator, Field

from app.fields import Ref, Schema, Slug

Status = Literal[
    "open", "in_progress", "partially_met", "stalled", "reversed", "met", "withdrawn", "superseded", "overtaken"
]
Group = Literal["open", "moving", "blocked", "met", "closed"]


def each_once(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _in_a_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Either = (BeforeValidator(_in_a_list), AfterValidator(each_once), Field(min_length=1, max_length=50))
Slugs = Annotated[list[Slug], *Either]
Statuses = Annotated[list[Status], *Either]
Groups = Annotated[list[Group], *Either]
Refs = Annotated[list[Ref], *Either]
Seq = Annotated[int, Field(ge=1, le=2**62)]


CAMPAIGN = Field(description="Slugs of campaigns.")
KIND = Field(description="Slugs of kinds of demands.")
GROUP = Field(
    description="Of statuses: `open`; `moving`: in progress or partially met; `blocked`: stalled or reversed; `met`; "
    "`closed`: withdrawn, superseded or overtaken."
)
BODY = Field(description="Slugs of bodies that demands are addressed to; those below them are found, too.")
ISSUER = Field(description="Slugs of organizations that make the demand.")
TAG = Field(description="Tags of demands, which are free words.")
DISPUTED = Field(description="Whether evidence contradicts the status of the demand.")
OVERDUE = Field(description="Whether the last day of the deadline has passed, and nothing settled the demand.")
STALE = Field(description="Whether nobody has checked on the demand for longer than the campaign's review interval.")
NO_RESPONSE = Field(
    description="Whether the demand was made longer ago than the campaign's review interval, and no target responded."
)


class Filters(Schema):
    """The words of the list of demands: several values mean either, different words narrow together."""

    campaign: Annotated[Slugs | None, CAMPAIGN] = None
    kind: Annotated[Slugs | None, KIND] = None
    status: Annotated[Statuses | None, Field(description="After what happened.")] = None
    group: Annotated[Groups | None, GROUP] = None
    body: Annotated[Slugs | None, BODY] = None
    issuer: Annotated[Slugs | None, ISSUER] = None
    tag: Annotated[Slugs | None, TAG] = None
    demand: Annotated[Refs | None, Field(description="Refs of demands, such as NK-4.")] = None
    disputed: Annotated[bool | None, DISPUTED] = None
    overdue: Annotated[bool | None, OVERDUE] = None
    stale: Annotated[bool | None, STALE] = None
    no_response: Annotated[bool | None, NO_RESPONSE] = None


def in_an_address(words: Mapping[str, Any]) -> str:
    """As a query string that says the same."""
    told = {word: str(value).lower() if isinstance(value, bool) else value for word, value in words.items()}
    return urlencode(told, doseq=True)


def in_words(filters: Mapping[str, Any]) -> str:
    """`body: ocha, un; overdue: yes`; empty where nothing is narrowed."""
    return "; ".join(f"{word.replace('_', ' ')}: {_listed(value)}" for word, value in filters.items())


def _listed(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)
