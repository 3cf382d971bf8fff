"""The list of demands as a table for spreadsheets and as lines for programs: complete, however long."""

import csv
import datetime
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.accounts.actor import Actor
from app.database import Database
from app.demands import queries
from app.demands.filters import DemandFilter, Sort
from app.demands.reads import DemandRead
from app.documenting import Responses
from app.paging import MAX_LIMIT

CSV = "text/csv"
NDJSON = "application/x-ndjson"
PLAIN = ("application/json", "application/*", "*/*")
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else
SEPARATOR = "; "
CSV_RESPONSES: Responses = {200: {"content": {CSV: {"schema": {"type": "string"}}}, "description": "A table"}}
NDJSON_RESPONSES: Responses = {200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "Lines"}}
COLUMNS = [
    "ref", "title", "asks", "counts_as_met", "kind", "campaign", "status", "status_group", "status_since",
    "verification", "disputed", "confidence", "publication", "audience", "sensitivity", "first_made_on", "deadline",
    "overdue", "due_soon", "no_response", "stale", "last_checked_on", "next_review_on", "targets", "responses",
    "issuers", "tags", "indicator", "indicator_unit", "indicator_target", "indicator_latest", "indicator_latest_on",
    "related", "url", "version", "created_at", "updated_at",
]  # fmt: skip


def wanted(request: Request) -> str | None:
    """What `Accept` likes best (RFC 9110 section 12.5.1), where that is a table or lines rather than JSON."""
    accepted = [_liking(part) for part in request.headers.get("accept", "").split(",")]
    liked = [(quality, media) for quality, media in accepted if quality > 0 and media in (CSV, NDJSON, *PLAIN)]
    best = max(liked, key=lambda accepted: accepted[0], default=(0.0, PLAIN[0]))[1]  # the first of those liked equally
    return None if best in PLAIN else best


def export(
    database: Database, actor: Actor, query: DemandFilter, sort: Sort, include: frozenset[str], media: str
) -> Response:
    """Stream everything that matches; `limit` bounds it where the client gave one."""
    bound = query.limit if "limit" in query.model_fields_set else None
    with database.read() as session:  # now, so that a wrong filter is refused before the answer begins
        ids = queries.list_ids(session, actor, query, sort, bound)
    pages = _pages(database, actor, ids, query.as_of, include)
    name = "demands.csv" if media == CSV else "demands.ndjson"
    return StreamingResponse(
        _csv(pages) if media == CSV else _ndjson(pages),
        media_type=f"{media}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _liking(part: str) -> tuple[float, str]:
    """How much one media range of `Accept` is liked, and which it is."""
    media, *parameters = (word.strip().lower() for word in part.split(";"))
    quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
    return (float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0, media)


def _pages(
    database: Database,
    actor: Actor,
    ids: Sequence[int],
    as_of: datetime.date | None,
    include: frozenset[str],
) -> Iterator[list[DemandRead]]:
    """Each read in a transaction of its own: a slow reader holds nothing open.

    What is edited meanwhile stays in its place, and what is taken from view is left out.
    """
    for start in range(0, len(ids), MAX_LIMIT):
        with database.read() as session:
            page = queries.read_demands(session, actor, ids[start : start + MAX_LIMIT], as_of, include)
        yield page


def _csv(pages: Iterator[list[DemandRead]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS)
    buffer.write(BYTE_ORDER_MARK)
    writer.writeheader()
    yield buffer.getvalue()
    for items in pages:
        buffer.seek(0)
        buffer.truncate()
        writer.writerows(row(item) for item in items)
        yield buffer.getvalue()


def _ndjson(pages: Iterator[list[DemandRead]]) -> Iterator[str]:
    for items in pages:
        yield "".join(item.model_dump_json() + "\n" for item in items)


def row(demand: DemandRead) -> dict[str, Any]:
    """One flat row; lists are joined, and nothing in it is taken for a formula."""
    indicator = demand.indicator
    flat: dict[str, Any] = {
        **demand.model_dump(mode="json", include=set(COLUMNS) - {"targets", "issuers", "tags", "indicator", "related"}),
        "targets": SEPARATOR.join(f"{target.body.slug} ({target.role})" for target in demand.targets),
        "responses": SEPARATOR.join(f"{target.body.slug}: {target.response}" for target in demand.targets),
        "issuers": SEPARATOR.join(issuer.slug for issuer in demand.issuers),
        "tags": SEPARATOR.join(demand.tags),
        "related": SEPARATOR.join(f"{related.type} {related.ref}" for related in demand.related),
    }
    if indicator:
        read = indicator.model_dump(mode="json")
        flat |= {
            "indicator": read["name"],
            **{f"indicator_{name}": read[name] for name in ("unit", "target", "latest")},
        }
        flat["indicator_latest_on"] = read["latest_on"]
    return {name: harmless(value) for name, value in flat.items()}


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets a quote in front (OWASP, CSV injection)."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
