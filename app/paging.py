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
from sqlalchemy import ColumnElement, Integer, Row, Uuid, literal, tuple_
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
        return hashlib.sha256(json.dumps([type(self).__name__, words], sort_keys=True).encode()).hexdigest()[:12]


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True)
class Order:
    """The columns of a total order, the last one unique, all in one direction."""

    columns: Sequence[Any]
    descending: bool = False

    def page(self, statement: Any, query: PageQuery) -> Any:
        """The statement, ordered, from the cursor on, one row longer than the page to tell whether more follow.

        The columns of the order come last in each row.
        """
        if query.cursor:
            statement = statement.where(self._beyond(decode(query.cursor, query.scope, len(self.columns))))
        ordered = (column.desc() if self.descending else column.asc() for column in self.columns)
        return statement.add_columns(*self.columns).order_by(*ordered).limit(query.limit + 1)

    def next_cursor(self, rows: Sequence[Row[Any]], query: PageQuery) -> str | None:
        if len(rows) <= query.limit:
            return None
        last = tuple(rows[query.limit - 1])[-len(self.columns) :]
        return encode(query.scope, [_plain(value) for value in last])

    def _beyond(self, values: list[Any]) -> ColumnElement[bool]:
        here = tuple_(*self.columns)
        there = tuple_(*(literal(self._typed(c, v), c.type) for c, v in zip(self.columns, values, strict=True)))
        return here < there if self.descending else here > there

    @staticmethod
    def _typed(column: Any, value: Any) -> Any:
        try:
            if isinstance(column.type, UTCDateTime):
                return datetime.datetime.fromisoformat(value)
            if isinstance(column.type, Uuid):
                return uuid.UUID(value)
            return int(value) if isinstance(column.type, Integer) else str(value)
        except (TypeError, ValueError):
            raise _foreign() from None


def _plain(value: Any) -> int | str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def encode(scope: str, values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *values]).encode()).decode().rstrip("=")


def decode(cursor: str, scope: str, length: int) -> list[Any]:
    try:
        found, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise _foreign() from None
    if found != scope or len(values) != length or not all(isinstance(value, int | str) for value in values):
        raise _foreign()
    return list(values)


def link_next(request: Request, response: Response, next_cursor: str | None) -> None:
    """`Link: <…>; rel="next"` (RFC 8288)."""
    if next_cursor:
        url = request.url.include_query_params(cursor=next_cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'


def _foreign() -> Exception:
    return invalid(
        "query.cursor", "this cursor is not from this list with these filters; take `next_cursor` as it was given"
    )
