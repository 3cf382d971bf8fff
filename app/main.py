"""Puts the service together: `create_app(settings)`."""

from fastapi import FastAPI

from app import problems
from app.accounts.api import router as accounts
from app.ledger import open_database
from app.settings import Settings
from app.vault import open_vault

API = "/api/v1"


def create_app(settings: Settings) -> FastAPI:
    app = FastAPI(
        title="Demand Tracker",
        version="1",
        description="What human-rights campaigns demand of institutions, and what became of it.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.database = open_database(settings)
    app.state.vault = open_vault(settings)
    problems.install(app)
    for router in (accounts,):
        app.include_router(router, prefix=API)
    return app
