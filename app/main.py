"""Puts the service together: `create_app(settings)`."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from importlib import import_module

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app import documenting, health, problems
from app.accounts.api import router as accounts
from app.accounts.documenting import add_keys
from app.bodies.api import router as bodies
from app.campaigns.api import router as campaigns
from app.catalogue.api import router as catalogue
from app.catalogue.documenting import add_webhooks
from app.changes.api import router as changes
from app.changes.feeds_api import router as feeds
from app.changes.listening import HandOver
from app.changes.stream import Stream
from app.changes.waiting import Bell, Lookout
from app.demands.api import router as demands
from app.demands.calendar_api import router as calendar
from app.demands.queries import count_by_body
from app.demands.records_api import router as records
from app.follows.api import router as follows
from app.guarding import Guard
from app.ledger import open_database
from app.notifying import listening
from app.repeating import refuse_repeated
from app.settings import Settings
from app.sources.api import router as sources
from app.statistics.api import router as statistics
from app.vault import open_vault
from app.web import follow_pages, pages
from app.webhooks.api import router as webhooks
from app.webhooks.metrics_api import router as metrics
from app.webhooks.names import Names

log = logging.getLogger(__name__)

API = "/api/v1"
STOP_WITHIN_SECONDS = 4
LOOKUPS_AT_ONCE = 40  # of the hosts of webhooks that are set up
EXPOSED = (
    "Allow",
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
)
SLICES = (
    demands,
    records,
    calendar,
    statistics,
    changes,
    feeds,
    catalogue,
    follows,
    webhooks,
    campaigns,
    bodies,
    sources,
    accounts,
)


def create_app(settings: Settings, with_worker: bool = False) -> FastAPI:
    """`with_worker` also does in this process what `demands work` does, which is what SQLite's one machine needs."""
    database = open_database(settings)
    database.logs_trouble = True

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with listening(database), _working(app) if with_worker else nullcontext():
            yield
        app.state.stream.close()
        app.state.names.close()
        database.dispose()

    app = _Application(
        title="Demand Tracker",
        version="1",
        description=documenting.INTRODUCTION,
        openapi_tags=[{"name": name, "description": what} for name, what in documenting.TAGS.items()],
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.vault = open_vault(settings)
    app.state.readiness = health.Readiness(database)
    app.state.bell = Bell()
    app.state.lookout = Lookout(database, app.state.bell)
    app.state.stream = Stream(database, app.state.bell)
    app.state.names = Names(places=LOOKUPS_AT_ONCE)
    app.state.count_by_body = count_by_body
    database.after_commit.append(app.state.bell.ring)
    problems.install(app)
    app.add_middleware(Guard, body_limit_bytes=settings.body_limit_bytes)
    app.add_middleware(
        CORSMiddleware,  # any page may read; writing from one is for its own server to do
        allow_origins=["*"],
        allow_methods=["GET", "HEAD"],
        allow_headers=["Authorization", "Cache-Control", "If-None-Match", "Last-Event-ID"],
        expose_headers=EXPOSED,
    )
    app.include_router(health.router)
    app.include_router(metrics)
    for router in SLICES:
        app.include_router(router, prefix=API, dependencies=[Depends(refuse_repeated)])
    app.include_router(pages.router)
    app.include_router(follow_pages.router)
    documenting.complete(app, documenting.add_problems, add_keys(app), documenting.add_headers, add_webhooks(settings))
    app.mount("/static/swagger", pages.swagger)
    app.mount("/static", pages.static)
    return app


class _Application(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        """Streams are served outside of everything that looks at each piece of an answer."""
        return HandOver(super().build_middleware_stack())


@asynccontextmanager
async def _working(app: FastAPI) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = asyncio.create_task(_work(app, stop))
    yield
    stop.set()
    _, unfinished = await asyncio.wait([work], timeout=STOP_WITHIN_SECONDS)
    if unfinished:
        work.cancel()  # what it leaves is taken up again when its lease ends
        await asyncio.wait([work])


async def _work(app: FastAPI, stop: asyncio.Event) -> None:
    try:
        worker = await asyncio.to_thread(import_module, "app.worker")  # requests need not wait for the HTTP client
        await worker.run(app.state.database, app.state.vault, app.state.settings, stop)
    except Exception:
        log.exception("The worker has stopped: nothing is delivered until this is started again.")
