"""Constraints named once, as types, and the columns that store them."""

import datetime
import enum
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    model_validator,
)
from sqlalchemy import Enum as EnumColumn
from sqlmodel import Field

from app import clock
from app.dates import PartialDate, PartialDateColumn

MOST_VALUES = 1_000  # in one request; the largest that is right has fewer


class Audience(enum.StrEnum):
    """Who may see something; each circle holds the ones before it."""

    PUBLIC = "public"
    PARTNERS = "partners"
    STAFF = "staff"

    @property
    def sees(self) -> list["Audience"]:
        """The audiences whose things this one may see."""
        everyone = list(Audience)
        return everyone[: everyone.index(self) + 1]

    def is_narrower_than(self, other: "Audience") -> bool:
        return self not in other.sees

    def within(self, other: "Audience") -> "Audience":
        """Those who are in both circles."""
        return self if self.is_narrower_than(other) else other


class Schema(BaseModel):
    """What a client sends: unknown members are refused, never ignored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _within_reason(cls, sent: Any) -> Any:
        """Counted before anything is checked: Pydantic keeps a finding for every wrong value."""
        if _has_too_many_values(sent):
            raise ValueError(f"this has more than {MOST_VALUES} values")
        return sent


def _has_too_many_values(sent: Any) -> bool:
    count, unopened = 0, [sent]
    while unopened and count <= MOST_VALUES:
        value = unopened.pop()
        within = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        count += len(within)
        unopened += within
    return count > MOST_VALUES


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("NUL characters are not allowed")
    return text


def _http_url(text: str) -> str:
    url = _URL.validate_python(text)
    if not text.isprintable():
        raise ValueError("a URL has no control characters")
    if url.username or url.password:
        raise ValueError("a URL here has no user name or password")
    return text


def _written_as(form: str, example: str) -> BeforeValidator:
    """Only what is written like that: left to itself, Pydantic takes numbers for seconds since 1970."""

    def check(moment: Any) -> Any:
        if isinstance(moment, datetime.date) or (isinstance(moment, str) and re.match(form, moment)):
            return moment
        raise ValueError(f"write it as {example}")

    return BeforeValidator(check)


def _from_midnight(since: Any) -> Any:
    return f"{since}T00:00:00Z" if isinstance(since, str) and len(since) == len("2022-12-10") else since


def _in_utc(moment: datetime.datetime) -> datetime.datetime:
    try:
        return moment.astimezone(datetime.UTC)
    except OverflowError:
        raise ValueError("this moment is too far away") from None


def formed(pattern: str, words: str, **options: Any) -> StringConstraints:
    """A text of this form; the words are what a refusal says of it."""
    FORMS[pattern] = words
    return StringConstraints(pattern=pattern, **options)


FORMS: dict[str, str] = {}  # by their patterns
_URL: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)

Slug = Annotated[
    str,
    formed(
        r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$",
        "a slug has small letters and digits, with single hyphens or underscores in between, such as `un-mission`",
        min_length=1,
        max_length=80,
    ),
]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(_without_nul)
]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_without_nul)
]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), AfterValidator(_without_nul)
]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000), AfterValidator(_http_url)]
Search = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_without_nul)
]
Language = Annotated[
    str,
    formed(
        r"^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$", "a language is written as `hy` or `zh-Hant` (BCP 47)", max_length=35
    ),
]
Sha256 = Annotated[str, formed(r"^[0-9a-f]{64}$", "a SHA-256 has 64 hexadecimal digits", to_lower=True)]
Ref = Annotated[
    str,
    formed(r"^[A-Za-z][A-Za-z0-9]{0,9}-[1-9][0-9]{0,8}$", "a ref is a prefix and a number, such as `NK-4`"),
    AfterValidator(str.upper),
]
Day = Annotated[datetime.date, _written_as(r"\d{4}-\d{2}-\d{2}\Z", "2022-12-10")]
Moment = Annotated[
    AwareDatetime, _written_as(r"\d{4}-\d{2}-\d{2}[Tt ]", "2022-12-10T09:30:00Z"), AfterValidator(_in_utc)
]
MomentOrDay = Annotated[Moment, BeforeValidator(_from_midnight)]
Identifiers = Annotated[dict[Slug, Line], Field(max_length=20)]


def past(date: PartialDate) -> PartialDate:
    """Something that has happened: its first day is not in the future."""
    if date.first_day > clock.today():
        raise ValueError("this is about something that has happened, so the date cannot lie in the future")
    return date


PastDate = Annotated[PartialDate, AfterValidator(past)]


def merged(present: Mapping[str, str], patch: Mapping[str, str | None]) -> dict[str, str]:
    """An object after a JSON Merge Patch: null takes a member away, what is absent stays (RFC 7396 section 2)."""
    return {name: value for name, value in {**present, **patch}.items() if value is not None}


def coded(codes: type[enum.StrEnum], check: str | None = None) -> Any:
    """A column of codes: stored by value, checked by the database too; `check` names that where a table has two."""
    return EnumColumn(
        codes,
        values_callable=lambda kind: [member.value for member in kind],
        native_enum=False,
        validate_strings=True,
        create_constraint=True,
        length=40,
        name=check or _snake(codes.__name__),
    )


def partial_date(**options: Any) -> Any:
    """A column for a `PartialDate`."""
    return Field(sa_type=PartialDateColumn, **options)


def utc(moment: datetime.datetime) -> str:
    """RFC 3339 in UTC, as every time is written."""
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
