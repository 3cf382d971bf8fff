"""The words that readers narrow events by: those of the list of demands, without knowing demands."""

from typing import Annotated, Any, Literal

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


class Filters(Schema):
    """The words of the list of demands: several values mean either, different words narrow together."""

    campaign: Slugs | None = None
    kind: Slugs | None = None
    status: Annotated[Statuses | None, Field(description="After what happened.")] = None
    group: Groups | None = None
    body: Annotated[Slugs | None, Field(description="Targets, and the bodies below them.")] = None
    issuer: Slugs | None = None
    tag: Slugs | None = None
    demand: Refs | None = None
    disputed: bool | None = None
    overdue: bool | None = None
    stale: bool | None = None
    no_response: bool | None = None
