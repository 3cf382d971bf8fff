"""Errors of the database end in logs, so they must not say what was stored or searched for."""

import re
import sqlite3

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

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
    return words if _names_no_values(told) else QUOTATION.split(words)[0].strip()


def _names_no_values(told: StatementError) -> bool:
    """Constraints are told by their names, and what keeps a database from working by itself."""
    if isinstance(told, OperationalError):
        return getattr(told.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR  # mistakes in a search, for one
    return isinstance(told, IntegrityError)
