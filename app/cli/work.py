"""`demands work`"""

import asyncio
import signal

import typer

from app import worker
from app.cli.opening import keep_logs, opened
from app.database import Database
from app.notifying import listening
from app.settings import Settings
from app.vault import open_vault

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def work() -> None:
    """Deliver webhooks and keep time, beside any number of servers.

    On PostgreSQL run at least one; more share the work. On SQLite `demands serve` does this by itself, unless it was
    started with --no-worker.
    """
    settings = Settings()
    keep_logs(settings)
    with opened(settings) as database:
        typer.echo("Working (Ctrl-C stops it).")
        asyncio.run(_until_told(database, settings))


async def _until_told(database: Database, settings: Settings) -> None:
    stop = asyncio.Event()
    for stopping in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stopping, stop.set)
    async with listening(database):
        await worker.run(database, open_vault(settings), settings, stop)
