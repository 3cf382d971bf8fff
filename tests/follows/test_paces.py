"""Digests come at seven in the morning where the reader is, also when clocks change."""

from datetime import UTC, datetime

import pytest

from app.follows.models import Pace
from app.follows.paces import next_digest_at


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("pace", "timezone", "now", "then"),
    [
        (Pace.DAILY, "UTC", "2026-11-22T06:59", "2026-11-22T07:00"),
        (Pace.DAILY, "UTC", "2026-11-22T07:00", "2026-11-23T07:00"),
        (Pace.DAILY, "Europe/Berlin", "2026-11-22T05:00", "2026-11-22T06:00"),
        (Pace.DAILY, "Pacific/Auckland", "2026-11-22T12:00", "2026-11-22T18:00"),
        (Pace.DAILY, "America/New_York", "2026-03-07T13:00", "2026-03-08T11:00"),  # clocks go forward that night
        (Pace.DAILY, "America/New_York", "2026-10-31T12:00", "2026-11-01T12:00"),  # and back
        (Pace.WEEKLY, "UTC", "2026-11-22T12:00", "2026-11-23T07:00"),  # from a Sunday to the Monday
        (Pace.WEEKLY, "UTC", "2026-11-23T07:00", "2026-11-30T07:00"),
        (Pace.WEEKLY, "Asia/Tokyo", "2026-11-22T21:00", "2026-11-22T22:00"),  # where it is Monday by then
    ],
)
def test_the_next_digest_comes_at_seven(pace, timezone, now, then):
    assert next_digest_at(pace, timezone, at(now)) == at(then)
