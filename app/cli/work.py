"""`demands work`"""

import asyncio
import signal
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import typer

from app import worker
from app.cli.opening import allow_many_connections, keep_logs, opened
from app.cli.stopping import leave_in_time
from app.database import Database
from app.notifying import listening
from app.settings import Settings
from app.vault import open_vault

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def work() -> None:
    """Deliver webhooks, send mail and keep time, beside any number of servers.

    On PostgreSQL run at least one; more share the work. On SQLite `demands serve` does this by itself, unless it was
    started with --no-worker.
    """
    settings = Settings()
    keep_logs(settings)
    allow_many_connections()
    with opened(settings) as database, asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        typer.echo("Working (Ctrl-C stops it).")
        runner.run(_until_told(database, settings))


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The one that servers run on, which is not there for every platform."""
    return import_module("uvloop").new_event_loop if find_spec("uvloop") else None


def _stop(stop: asyncio.Event) -> None:
    stop.set()
    leave_in_time()


async def _until_told(database: Database, settings: Settings) -> None:
    stop = asyncio.Event()
    for stopping in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stopping, _stop, stop)
    database.logs_trouble = True
    async with listening(database):
        await worker.run(database, open_vault(settings), settings, stop)
