"""When digests come."""

import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.follows.models import Pace

HOUR = datetime.time(7)
MONDAY = 0


def zone_of(name: str) -> ZoneInfo:
    """UTC for one that this machine does not know: it may have known it before a move, or by an earlier version."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return ZoneInfo("UTC")


def next_digest_at(pace: Pace, timezone: str, now: datetime.datetime) -> datetime.datetime:
    """The next seven in the morning there, for a weekly one on a Monday, after now; in UTC."""
    zone = zone_of(timezone)
    day = now.astimezone(zone).date()
    while True:
        at = datetime.datetime.combine(day, HOUR, zone).astimezone(datetime.UTC)
        if at > now and (pace is not Pace.WEEKLY or day.weekday() == MONDAY):
            return at
        day += datetime.timedelta(days=1)
