"""How long to wait until what failed is tried again."""

import datetime
import random

from app import clock

RETRY_AFTER_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800)  # then every eight hours
JITTER = 0.2


def retry_at(fail_streak: int, retry_after_seconds: float | None) -> datetime.datetime:
    return clock.now() + datetime.timedelta(seconds=retry_in_seconds(fail_streak, retry_after_seconds))


def retry_in_seconds(fail_streak: int, retry_after_seconds: float | None) -> float:
    """The schedule, ±20 % so that endpoints do not recover in step, and never before the endpoint wants it."""
    step = RETRY_AFTER_SECONDS[min(fail_streak, len(RETRY_AFTER_SECONDS)) - 1]
    jittered = step * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
    return max(jittered, retry_after_seconds or 0.0)
