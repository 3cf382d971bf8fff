"""Keyset paging: a cursor names the last item seen, so that page 1,000 costs what page 1 costs."""

import base64
import datetime
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, ColumnElement, Integer, Row, Uuid, literal, tuple_
from sqlmodel.sql.sqltypes import UTCDateTime

from app.fields import Schema
from app.problems import invalid

LIMIT = 50
MAX_LIMIT = 200

Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description="How many items at most.")]
Cursor = Annotated[str | None, Field(max_length=1000, description="`next_cursor` of the page before.")]


class PageQuery(Schema):
    """What every list takes."""

    limit: Limit = LIMIT
    cursor: Cursor = None

    @property
    def scope(self) -> str:
        """What a cursor of this list is bound to: its filters and order, not its length."""
        words = self.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)
        return digest([type(self).__name__, words])


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True)
class Order:
    """The columns of a total order, the last one unique, all in one direction; `within` is whose list it is."""

    columns: Sequence[Any]
    descending: bool = False
    within: str = ""

    def page(self, statement: Any, query: PageQuery) -> Any:
        """The statement, ordered, from the cursor on, one row longer than the page to tell whether more follow.

        The columns of the order come last in each row.
        """
        return self.whole(statement.add_columns(*self.columns), query).limit(query.limit + 1)

    def whole(self, statement: Any, query: PageQuery) -> Any:
        """The statement, ordered, from the cursor to the end."""
        if query.cursor:
            statement = statement.where(self._beyond(decode(query.cursor, self._scope(query), self.columns)))
        return statement.order_by(*(column.desc() if self.descending else column.asc() for column in self.columns))

    def next_cursor(self, rows: Sequence[Row[Any]], query: PageQuery) -> str | None:
        if len(rows) <= query.limit:
            return None
        last = tuple(rows[query.limit - 1])[-len(self.columns) :]
        return encode(self._scope(query), [_plain(value) for value in last])

    def _scope(self, query: PageQuery) -> str:
        """The list and its filters: the columns tell one table's list from another's."""
        return digest([query.scope, self.within, *map(str, self.columns), self.descending])

    def _beyond(self, values: list[Any]) -> ColumnElement[bool]:
        here = tuple_(*self.columns)
        there = tuple_(*(literal(value, column.type) for column, value in zip(self.columns, values, strict=True)))
        return here < there if self.descending else here > there


def _plain(value: Any) -> int | str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def encode(scope: str, values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *values]).encode()).decode().rstrip("=")


def decode(cursor: str, scope: str, columns: Sequence[Any]) -> list[Any]:
    """A value for each column; raises Invalid for anything that was not encoded for the scope."""
    try:
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(decoded, list) or decoded[:1] != [scope]:
            raise _foreign()
        return [_typed(column, value) for column, value in zip(columns, decoded[1:], strict=True)]
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise _foreign() from None


def digest(words: Any) -> str:
    """A short name for what a cursor is bound to."""
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:12]


def _typed(column: Any, value: Any) -> Any:
    """The value as the column has it; raises TypeError, ValueError or OverflowError for one that it cannot have."""
    if isinstance(column.type, UTCDateTime):
        return datetime.datetime.fromisoformat(value).astimezone(datetime.UTC)
    if isinstance(column.type, Uuid):
        return uuid.UUID(value)
    if isinstance(column.type, Integer):
        return _whole(value, bits=64 if isinstance(column.type, BigInteger) else 32)
    if not (isinstance(value, str) and value.isprintable()):
        raise ValueError("this is no text that a list is sorted by")
    return value


def _whole(value: Any, bits: int) -> int:
    if type(value) is not int:
        raise TypeError("this is no number")
    value.to_bytes(bits // 8, "big", signed=True)  # raises OverflowError where the database could not hold it
    return value


def link_next(request: Request, response: Response, next_cursor: str | None) -> None:
    """`Link: <…>; rel="next"` (RFC 8288)."""
    if next_cursor:
        url = request.url.include_query_params(cursor=next_cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'


def _foreign() -> Exception:
    return invalid(
        "query.cursor", "this cursor is not from this list with these filters; take `next_cursor` as it was given"
    )
