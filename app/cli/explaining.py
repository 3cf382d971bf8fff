"""What a command cannot do is told in a line or two, with what to do about it. What is not expected keeps its trace."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TypeVar

import typer
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from app.problems import Invalid, Problem
from app.settings import Settings
from app.vault import LostSecret
from app.wording import told

Schema = TypeVar("Schema", bound=BaseModel)
OPTIONS = {"types": "--type", "password": "--password-stdin", "expires_at": "--expires-in-days"}


class Refused(Exception):
    """What stands in the way, and what to do about it"""


def checked(schema: type[Schema], **values: object) -> Schema:
    """What was typed, as a schema; raises BadParameter (wrong usage) that names the first option that is wrong."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise _wrong_usage(told(wrong), *wrong["loc"]) from None


@contextmanager
def typed() -> Iterator[None]:
    """What an action finds wrong with what was typed is wrong usage too."""
    try:
        yield
    except Invalid as error:
        [wrong] = error.members["errors"]
        raise _wrong_usage(wrong["what"], *wrong["where"].split(".")[1:]) from None


def explained(error: Exception) -> str | None:
    """None for an error that nobody expects: a bug."""
    if isinstance(error, Refused | Problem | LostSecret):
        return str(error)
    if isinstance(error, DBAPIError) and isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig)
    if isinstance(error, OperationalError):
        return _of_postgresql(error)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    if isinstance(error, OSError):
        return _of_the_system(error)
    return _of_the_settings(error)


def _wrong_usage(what: str, *place: object) -> typer.BadParameter:
    """With the option's name, unless it is about several together."""
    name = str(place[0]) if place else ""
    return typer.BadParameter(what, param_hint=OPTIONS.get(name, f"--{name.replace('_', '-')}") if name else None)


def _of_sqlite(error: sqlite3.Error) -> str | None:
    what = str(error)
    if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return None
    if "disk is full" in what:
        return "The disk is full. Nothing was half-written; free some space, then try again."
    if "locked" in what:
        return "Another process keeps the database locked; try again when it is done."
    if "readonly" in what or "unable to open" in what:
        return (
            _of_a_read_only_place() or f"The database file cannot be opened ({what}); see who owns it and its folder."
        )
    return f"The database cannot be used ({what}); `demands doctor` may tell more."


def _of_a_read_only_place() -> str | None:
    """SQLite says the same of a file that belongs to somebody else."""
    folder = Path(make_url(Settings().url_of_database).database or "").parent
    try:
        TemporaryFile(dir=folder).close()
    except OSError as error:
        if error.errno == errno.EROFS:
            return f"{error.strerror}: {folder}."
    return None


def _of_postgresql(error: OperationalError) -> str:
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return f"PostgreSQL does not answer: {lines[0]}\nSee that it runs, and that DEMANDS_DATABASE_URL is right."


def _of_the_system(error: OSError) -> str | None:
    where = error.filename or "the data directory"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full at {where}; free some space, then try again."
    if error.errno == errno.EEXIST:
        return f"A file is in the way where a folder is to be: {where}."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.EISDIR, errno.ENOTDIR):
        return f"{error.strerror}: {where}."
    return None


def _of_the_settings(error: Exception) -> str | None:
    if isinstance(error, ArgumentError | NoSuchModuleError):
        return "DEMANDS_DATABASE_URL cannot be read; write it as postgresql+psycopg://user:password@host/name."
    if isinstance(error, ValidationError) and error.title == "Settings":
        wrong = error.errors()[0]
        return f"The setting DEMANDS_{str(wrong['loc'][0]).upper()} is wrong: {told(wrong)}."
    if isinstance(error, SettingsError):
        return f"The settings cannot be read: {error}."
    if type(error).__module__.startswith("alembic."):
        return f"The migrations cannot run: {error}. A newer version may have made this database; upgrade to it."
    return None
