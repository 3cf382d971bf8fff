"""The only clock. Call it through the module (`clock.now()`), so that a test can move it."""

import datetime


def now() -> datetime.datetime:
    """This instant, aware, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def today() -> datetime.date:
    """Today in UTC: the day on which deadlines turn."""
    return now().date()
