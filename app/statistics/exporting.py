"""The same figures as tables for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from fastapi import Response

from app.demands.exporting import BYTE_ORDER_MARK, CSV, harmless
from app.demands.lifecycle import Group
from app.statistics.schemas import Scorecards, Timeline

TIMELINE = ["month", "on", "total", *Group, *(f"moved_{group}" for group in Group)]
SCORECARDS = [
    "slug", "name", "acronym", "asked", "answered", "answer_rate", "median_days_to_first_response", "met",
    "met_claimed", "share_met", "oldest_open", "oldest_open_first_made_on",
]  # fmt: skip


def timeline_csv(timeline: Timeline) -> Response:
    months = [month.model_dump(mode="json") for month in timeline.items]
    rows = [
        {**month, **month["by_group"], **{f"moved_{group}": number for group, number in month["moved"].items()}}
        for month in months
    ]
    return _table("timeline.csv", TIMELINE, rows)


def scorecards_csv(scorecards: Scorecards) -> Response:
    cards = [card.model_dump(mode="json") for card in scorecards.items]
    for card in cards:
        oldest = card["oldest_open"] or {}
        card |= {"oldest_open": oldest.get("ref"), "oldest_open_first_made_on": oldest.get("first_made_on")}
    return _table("bodies.csv", SCORECARDS, cards)


def _table(name: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Response:
    buffer = io.StringIO()
    buffer.write(BYTE_ORDER_MARK)
    writer = csv.DictWriter(buffer, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({column: harmless(value) for column, value in row.items()} for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(buffer.getvalue(), media_type=f"{CSV}; charset=utf-8", headers=headers)
