"""When digests come."""

import datetime
from zoneinfo import ZoneInfo

from app.follows.models import Pace

HOUR = datetime.time(7)
MONDAY = 0


def next_digest_at(pace: Pace, timezone: str, now: datetime.datetime) -> datetime.datetime:
    """The next seven in the morning there, for a weekly one on a Monday, after now; in UTC."""
    zone = ZoneInfo(timezone)
    day = now.astimezone(zone).date()
    while True:
        at = datetime.datetime.combine(day, HOUR, zone).astimezone(datetime.UTC)
        if at > now and (pace is not Pace.WEEKLY or day.weekday() == MONDAY):
            return at
        day += datetime.timedelta(days=1)
