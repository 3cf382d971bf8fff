"""`demands serve`"""

import errno
import gc
import logging
import signal
import socket
import sys
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from app import revisions
from app.accounts.queries import has_admin
from app.cli import demo_key
from app.cli.explaining import Refused
from app.cli.opening import allow_many_connections, connected, is_empty, keep_logs, must_be_migrated, opened
from app.cli.stopping import leave_in_time
from app.database import Database
from app.main import create_app
from app.settings import Settings, unknown_names

START_WITHIN_SECONDS = 60  # of several processes; on a busy machine five, which is the default, are not enough
log = logging.getLogger(__name__)

GRACE_SECONDS = 5  # for requests that are under way when the server is told to stop

cli = typer.Typer(rich_markup_mode=None, add_completion=False)


@cli.command()
def serve(
    demo: Annotated[
        bool, typer.Option("--demo", help="Load the first campaign if there is none, and make an editor's key.")
    ] = False,
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 is every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many processes answer requests.")] = 1,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave webhooks and timekeeping to `demands work`.")
    ] = False,
) -> None:
    """Serve the API, its documentation and the start page.

    On SQLite this makes and migrates the database and does the work of `demands work` too. On PostgreSQL run
    `demands migrate` first, and `demands work` beside any number of servers.
    """
    settings = Settings()
    keep_logs(settings)
    for name in unknown_names():
        log.warning("There is no setting %s, so it does nothing.", name)
    listening = _listen(host, port)
    address = f"http://{host if ':' not in host else f'[{host}]'}:{listening.getsockname()[1]}"
    if "base_url" not in settings.model_fields_set:
        settings.base_url = address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104  # this is where it is not left
    _prepare(settings, demo)
    with opened(settings) as database:
        _introduce(database, settings, demo)
    with_worker = settings.is_sqlite and not no_worker
    if not settings.is_sqlite and not no_worker:
        typer.echo("Webhooks and deadlines are the work of `demands work`; run one beside this.")
    _run(settings, listening, workers, with_worker)


def application(settings: Settings, with_worker: bool) -> FastAPI:
    """What each process serves."""
    keep_logs(settings)
    allow_many_connections()
    app = create_app(settings, with_worker=with_worker)
    _end_streams_at_a_signal(app)
    gc.freeze()  # what is there now stays for good, so collecting need not look at it
    return app


def _end_streams_at_a_signal(app: FastAPI) -> None:
    """uvicorn, whose handlers stand by now, waits for answers to end before it tells the application to stop."""
    for stopping in (signal.SIGINT, signal.SIGTERM):
        leave = signal.getsignal(stopping)

        def handle(number: int, frame: FrameType | None, leave: Any = leave) -> None:
            app.state.stream.close_soon()
            leave_in_time()
            leave(number, frame)

        signal.signal(stopping, handle)


def _listen(host: str, port: int) -> socket.socket:
    """Before anything else, so that a second start on one port touches nothing."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refused(f"Port {port} on {host} is taken; choose another with --port.") from None
        raise Refused(f"Cannot listen on {host}, port {port}: {error.strerror}.") from None
    listening.set_inheritable(True)
    return listening


def _prepare(settings: Settings, demo: bool) -> None:
    """On PostgreSQL other servers may still run the version before, so there it is for the operator to migrate."""
    with connected(settings) as database:
        is_new = revisions.current_revision(database) != revisions.newest_revision()
        if not is_new and not (demo and is_empty(database)):
            return
        if not database.is_sqlite:
            must_be_migrated(database)
    # in a process of its own, so that what is needed once does not stay in the server's memory
    processes = get_context("fork") if sys.platform == "linux" else get_context("spawn")
    work = processes.Process(target=_prepare_apart, args=(settings, demo))
    work.start()
    work.join()
    if work.exitcode:
        raise typer.Exit(work.exitcode)


def _prepare_apart(settings: Settings, demo: bool) -> None:
    import_module("app.cli.preparing").prepare(settings, demo)


def _introduce(database: Database, settings: Settings, demo: bool) -> None:
    """Tell whoever starts it how to get in."""
    if demo:
        typer.echo(f"Demo editor's key: {demo_key.ensure(database, settings)}")
        return
    with database.read() as session:
        is_managed = has_admin(session)
    if not is_managed:
        typer.echo("There is no admin yet. Make the first one's key, while this runs, with:")
        typer.echo("  demands keys create --role admin --organization SLUG")


def _run(settings: Settings, listening: socket.socket, workers: int, with_worker: bool) -> None:
    config = uvicorn.Config(
        partial(application, settings, with_worker),
        factory=True,
        workers=workers,
        loop="auto",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=START_WITHIN_SECONDS,
    )
    typer.echo(f"Demand Tracker serves on {settings.base_url} (Ctrl-C stops it).")
    if workers > 1:
        Multiprocess(config, sockets=[listening]).run()
        return
    # uvicorn repeats the signal that stopped it once it has stopped
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, _leave)
    uvicorn.Server(config).run(sockets=[listening])


def _leave(*_: object) -> None:
    raise SystemExit(0)
