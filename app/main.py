"""Puts the service together: `create_app(settings)`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import health, problems
from app.accounts.api import router as accounts
from app.bodies.api import router as bodies
from app.campaigns.api import router as campaigns
from app.changes.api import router as changes
from app.changes.feed import Bell
from app.demands.api import router as demands
from app.demands.queries import count_by_body
from app.demands.records_api import router as records
from app.guarding import Guard
from app.ledger import open_database
from app.settings import Settings
from app.sources.api import router as sources
from app.vault import open_vault

API = "/api/v1"
SLICES = (demands, records, changes, campaigns, bodies, sources, accounts)


def create_app(settings: Settings) -> FastAPI:
    database = open_database(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        database.dispose()

    app = FastAPI(
        title="Demand Tracker",
        version="1",
        description="What human-rights campaigns demand of institutions, and what became of it.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.vault = open_vault(settings)
    app.state.bell = Bell()
    app.state.count_by_body = count_by_body
    database.after_commit.append(app.state.bell.ring)
    problems.install(app)
    app.add_middleware(Guard, body_limit_bytes=settings.body_limit_bytes)
    app.include_router(health.router)
    for router in SLICES:
        app.include_router(router, prefix=API)
    return app
