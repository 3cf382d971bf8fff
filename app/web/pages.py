"""Pages: the start page, the API's documentation, and what each kind of problem means."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, select_autoescape
from sqlmodel import Session
from starlette.responses import RedirectResponse, Response

from app import problems
from app.accounts.actor import ANONYMOUS
from app.accounts.audience import ledger_gate
from app.accounts.current import Db
from app.campaigns.queries import list_campaigns
from app.campaigns.schemas import CampaignQuery
from app.demands.filters import DemandFilter
from app.demands.lifecycle import Group
from app.demands.queries import count_demands
from app.ledger import reading, telling
from app.ledger.selecting import Selection
from app.ledger.types import NEWS
from app.problems import NotFound
from app.settings import Settings

STATIC = Path(__file__).parent / "static"
SWAGGER = Path(str(files("fastapi_offline"))) / "static"
NEWEST = 10
NOTHING_FOREIGN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI sets style attributes on what it draws; its scripts are files like ours.
OF_SWAGGER = NOTHING_FOREIGN.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

router = APIRouter(include_in_schema=False)
templates = Environment(
    loader=PackageLoader("app.web"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)
static = StaticFiles(directory=STATIC)
swagger = StaticFiles(directory=SWAGGER)


@router.get("/")
def start(database: Db) -> Response:
    """The campaigns, how their demands stand, and what happened lately, as anyone may see it."""
    with database.read() as session:
        listed = list_campaigns(session, CampaignQuery(limit=50)).items
        campaigns = [(campaign, _standing(session, campaign.slug)) for campaign in listed]
        events = reading.newest(session, ledger_gate(ANONYMOUS), NEWEST, Selection.of(NEWS, {}, ANONYMOUS.audience))
    told = [(event, telling.sentence(event.type, event.data)) for event in events if event.demand]
    settings = database.settings
    return page(
        "start.html",
        campaigns=campaigns,
        groups=list(Group),
        changes=told,
        mails=settings.sends_mail,
        webcal=webcal(settings),
    )


@router.get("/api/docs")
def documentation() -> Response:
    """Swagger UI, from this server alone."""
    return page("docs.html", policy=OF_SWAGGER)


@router.get("/api/v1")
def lead_to_documentation() -> Response:
    """Whoever opens the address of the API itself."""
    return RedirectResponse("/api/docs")


@router.get("/problems")
def list_problems() -> Response:
    return page("problems.html", kinds=problems.kinds())


@router.get("/problems/{name}")
def explain(name: str) -> Response:
    """What a kind of problem means, and what to do."""
    kind = next((kind for kind in problems.kinds() if kind.type == name), None)
    if kind is None:
        raise NotFound(f"There is no kind of problem {name}.")
    return page("problem.html", kind=kind)


def webcal(settings: Settings) -> str:
    """What an address of ours begins with, for the reader's calendar to subscribe to it rather than load it once."""
    return f"webcal:{settings.base_url.partition(':')[2]}"


def _standing(session: Session, campaign: str) -> dict[Group, int]:
    return {
        group: count_demands(session, ANONYMOUS, DemandFilter(campaign=[campaign], group=[group])) for group in Group
    }


def page(template: str, status: int = 200, policy: str = NOTHING_FOREIGN, **values: Any) -> Response:
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(templates.get_template(template).render(values), status, headers=headers)
