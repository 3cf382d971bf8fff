"""Errors of the database end in logs, so they must not say what was stored or searched for."""

import re

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError, StatementError

from app.trouble import is_out_of_reach

QUOTATION = re.compile(r"""[:"]|(?<!\w)'""")


def keep_values_out(engine: Engine) -> None:
    """Of the driver's own words; parameters are hidden by SQLAlchemy, where it is told to."""
    event.listen(engine, "handle_error", _shorten)


def _shorten(context: ExceptionContext) -> None:
    driver, told = context.original_exception, context.sqlalchemy_exception
    if told is not None:
        words = str(driver)
        safe = _without_values(told, words)
        driver.args = (safe,)
        told.args = (str(told.args[0]).replace(words, safe),)


def _without_values(told: StatementError, words: str) -> str:
    if getattr(told.orig, "sqlstate", None):
        words = words.partition("\n")[0]  # below, PostgreSQL quotes rows and parameters
    quotes = not (is_out_of_reach(told) or isinstance(told, IntegrityError))  # which names the constraint only
    return QUOTATION.split(words)[0].strip() if quotes else words
