"""`demands backup`"""

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import URL, make_url

from app.cli import progress
from app.cli.explaining import Refused
from app.cli.opening import opened, sqlite_file
from app.cli.progress import Step
from app.settings import Settings

PAGES_AT_ONCE = 2_000  # of four kilobytes each

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes.", dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Copy the database to a file, consistently, while it serves.

    The copy is one moment of the database, checked before it gets its name, so a file that is there is whole. Keep the
    secret key beside it: without that, the secrets in it cannot be read. `demands restore` puts it back.

    On PostgreSQL this says how to do the same with pg_dump.
    """
    settings = Settings()
    source = sqlite_file(settings)
    if source is None:
        raise Refused(f"This database is on PostgreSQL, which brings its own tool:\n  {pg_dump(settings, file)}")
    if file.exists() and not force:
        raise Refused(f"{file} is there already; choose another name, or --force to replace it.")
    with opened(settings), progress.bar("Backing up") as step, draft_of(file) as draft:
        copy(source, draft, step)
    typer.echo(f"{file} has {file.stat().st_size:,} bytes, and is sound.", err=True)
    typer.echo(f"Keep {key_to_keep(settings)} as well: without it the secrets in the backup are lost.", err=True)


def copy(source: Path, target: Path, step: Step) -> None:
    """One moment of the source, however much is written meanwhile; raises Refused where the copy is not sound."""
    with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)) as original:
        original.execute("BEGIN")
        original.execute("SELECT 1 FROM sqlite_schema").fetchone()  # holds the moment, so that writing restarts nothing
        with closing(sqlite3.connect(target, isolation_level=None)) as made:
            original.backup(made, pages=PAGES_AT_ONCE, progress=lambda _, left, total: step(total - left, total))
            made.execute("PRAGMA journal_mode = DELETE")  # so that the file is all of it
            findings = [finding for (finding,) in made.execute("PRAGMA integrity_check(3)")]
    if findings != ["ok"]:
        raise Refused(f"The copy is damaged ({'; '.join(findings)}), so the database may be too; run `demands doctor`.")


@contextmanager
def draft_of(file: Path) -> Iterator[Path]:
    """A file beside it that takes its name when the block ends well, and is gone otherwise."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(file)
        _keep_the_name(file.parent)
    finally:
        for rest in (draft, draft.with_name(f"{draft.name}-journal")):
            rest.unlink(missing_ok=True)


def key_to_keep(settings: Settings) -> str:
    return "DEMANDS_SECRET_KEY" if settings.secret_key else str(settings.data_dir / "secret.key")


def pg_dump(settings: Settings, file: Path) -> str:
    """Without the password, which belongs neither on the screen nor into the list of processes."""
    url = make_url(settings.url_of_database)
    known = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    place = shlex.quote(known.render_as_string())
    return f"pg_dump --format=custom --file={shlex.quote(str(file))} {place}"


def _keep_the_name(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        opened_folder = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(opened_folder)
        finally:
            os.close(opened_folder)
