"""Dates as precise as their source: a day, a month or a year.

The form is EDTF level 0 (Library of Congress, 2019), a profile of ISO 8601: `2022-12-10`, `2022-12`, `2022`. The text
itself is stored: it sorts by first day, the coarser date first, and keeps its precision without a second column.
"""

import calendar
import datetime
import re
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from sqlalchemy import ColumnElement, Dialect, Integer, String, and_, case, cast, func, or_, type_coerce
from sqlalchemy.types import TypeDecorator

FIRST_DAY = datetime.date(1000, 1, 1)  # of those that clients may send; an earlier one is a slip

_FORM = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)


class PartialDate(str):
    """`2022-12-10`, `2022-12` or `2022`; raises ValueError for anything else, such as 30 February."""

    __slots__ = ()

    def __new__(cls, text: str) -> "PartialDate":
        match = _FORM.fullmatch(text)
        if not match:
            raise ValueError("write a date as 2022-12-10, 2022-12 or 2022")
        year, month, day = (int(part) if part else 1 for part in match.groups())
        try:
            datetime.date(year, month, day)
        except ValueError as error:
            raise ValueError(f"{text} is no date: {error}") from None
        return super().__new__(cls, text)

    @classmethod
    def stored(cls, text: str) -> "PartialDate":
        """From a column, where only dates are."""
        return str.__new__(cls, text)

    @classmethod
    def of(cls, day: datetime.date) -> "PartialDate":
        return cls(day.isoformat())

    @property
    def first_day(self) -> datetime.date:
        return datetime.date.fromisoformat(f"{self}-01-01"[:10] if len(self) == 4 else f"{self}-01"[:10])

    @property
    def last_day(self) -> datetime.date:
        first = self.first_day
        if len(self) == 4:
            return first.replace(month=12, day=31)
        if len(self) == 7:
            return first.replace(day=calendar.monthrange(first.year, first.month)[1])
        return first

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validated, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _validated(cls, value: Any) -> "PartialDate":
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError("a date is written as a text, such as 2022-12")
        date = cls(value)
        if date.first_day < FIRST_DAY:
            raise ValueError(f"there are no dates before the year {FIRST_DAY.year} here")
        return date

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": r"^[1-9]\d{3}(-\d{2}(-\d{2})?)?$",
            "description": f"A day, a month or a year (EDTF level 0), from {FIRST_DAY.year} on.",
            "examples": ["2022-12-10", "2022-12", "2022"],
        }


class PartialDateColumn(TypeDecorator[PartialDate]):
    """Ten characters at most, compared byte by byte so that text order is date order."""

    impl = String(10).with_variant(String(10, collation="C"), "postgresql")
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> PartialDate | None:
        return None if value is None else PartialDate.stored(value)


def last_day_of(column: Any) -> ColumnElement[str]:
    """The last day of a stored date, in SQL; a text that is none stays as it is."""
    date = type_coerce(column, String)
    year, month = func.substr(date, 1, 4, type_=String), func.substr(date + "-12", 6, 2, type_=String)
    number = cast(year, Integer)
    leap = and_(number % 4 == 0, or_(number % 100 != 0, number % 400 == 0))
    last = case((month.in_(["04", "06", "09", "11"]), "30"), (month != "02", "31"), (leap, "29"), else_="28")
    return case((func.length(date).in_([4, 7]), year + "-" + month + "-" + last), else_=date)
