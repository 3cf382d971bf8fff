"""Loads a campaign from data files, through the same actions that people use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from sqlmodel import Session, select

from app.accounts.actions import create_organization, ensure_organization
from app.accounts.actor import Actor
from app.accounts.models import Organization
from app.accounts.roles import Role
from app.accounts.schemas import OrganizationNew
from app.bodies.actions import create_body
from app.bodies.models import Body
from app.bodies.schemas import BodyNew
from app.campaigns.actions import create_campaign, create_kind
from app.campaigns.models import Campaign, Kind
from app.campaigns.schemas import CampaignNew, KindNew
from app.database import Database
from app.demands import citing, publishing, recording, relating, status_changes
from app.demands.actions import create_demand
from app.demands.lifecycle import Publication
from app.demands.schemas import (
    DemandCitationNew,
    DemandNew,
    MilestoneNew,
    PublicationChange,
    ReadingNew,
    RelationNew,
    ResponseNew,
    StatusChangeNew,
    UpdateNew,
)
from app.fields import Audience
from app.sources.actions import create_source
from app.sources.models import Source
from app.sources.schemas import SourceNew
from app.wording import told

FIRST_CAMPAIGN = Path(__file__).parent.parent / "seed" / "nagorno-karabakh"
ASSESSOR = {
    "name": "Demand Tracker",
    "about": "Assessments that came with the software, made from the public documents that they cite.",
}
NEW = {"kind", "title", "asks", "counts_as_met", "targets", "issuers", "first_made_on", "deadline", "tags"} | {
    "indicator",
    "sensitivity",
    "opening",
}

Progress = Callable[[int, int], None]


class BadData(Exception):
    """A data file that cannot be loaded"""


@dataclass(frozen=True)
class Loaded:
    """`demands` is 0 where the campaign was there already, and nothing was changed."""

    campaign: str
    demands: int


def load(database: Database, folder: Path = FIRST_CAMPAIGN, progress: Progress | None = None) -> Loaded:
    """Load the campaign in one transaction, so that it is there whole or not at all.

    `progress` is called with how many demands of how many are in. Events carry the moment of loading, while the dates
    in them are those of the sources.
    """
    with _telling(folder / "campaign.yaml"):
        campaign = CampaignNew.model_validate(_read(folder / "campaign.yaml"))
    files = sorted((folder / "demands").glob("*.yaml"))
    with database.write() as session:
        if session.exec(select(Campaign).where(Campaign.slug == campaign.slug)).first():
            return Loaded(campaign.slug, demands=0)
        actor = _seeder(session)
        with _telling(folder):
            create_campaign(session, actor, campaign)
            _load_vocabularies(session, actor, folder)
        demands = [_read(file) for file in files]
        refs = []
        for number, (file, demand) in enumerate(zip(files, demands, strict=True), start=1):
            with _telling(file):
                refs.append(_load_demand(session, actor, campaign.slug, demand))
            if progress:
                progress(number, len(demands))
        for ref, demand in zip(refs, demands, strict=True):
            for relation in demand.get("relations", []):
                relating.relate(session, actor, ref, RelationNew.model_validate(relation))
        for ref in refs:
            publishing.publish(session, actor, ref, PublicationChange(state=Publication.PUBLISHED))
    return Loaded(campaign.slug, demands=len(refs))


def _seeder(session: Session) -> Actor:
    founder = Actor(role=Role.ADMIN, audience=Audience.STAFF, name="seed")
    organization = ensure_organization(session, founder, "demand-tracker", **ASSESSOR)
    session.flush()
    return Actor(Role.ADMIN, Audience.STAFF, organization.id, organization.slug, name="seed")


def _load_vocabularies(session: Session, actor: Actor, folder: Path) -> None:
    """What people have made already stays as it is."""
    for kind in _missing(session, Kind, _read(folder / "kinds.yaml")):
        create_kind(session, actor, KindNew.model_validate(kind))
    for body in _missing(session, Body, _read(folder / "bodies.yaml")):
        create_body(session, actor, BodyNew.model_validate(body))
    for organization in _missing(session, Organization, _read(folder / "organizations.yaml")):
        create_organization(session, actor, OrganizationNew.model_validate(organization))
    for source in _missing(session, Source, _read(folder / "sources.yaml")):
        del source["fact"]
        create_source(session, actor, SourceNew.model_validate(source))


def _missing(session: Session, model: Any, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    known = set(session.exec(select(model.slug)))
    return (item for item in items if item["slug"] not in known)


def _load_demand(session: Session, actor: Actor, campaign: str, demand: dict[str, Any]) -> str:
    """A draft with all that is recorded of it, in the order in which it happened."""
    new = DemandNew(campaign=campaign, **{name: demand[name] for name in NEW & demand.keys()})
    ref = create_demand(session, actor, new).ref
    for citation in demand.get("citations", []):
        citing.cite(session, actor, ref, DemandCitationNew.model_validate(citation))
    for milestone in demand.get("milestones", []):
        recording.plan_milestone(session, actor, ref, MilestoneNew.model_validate(milestone))
    for _, record in sorted(_records(session, actor, ref, demand), key=lambda dated: dated[0]):
        record()
    return ref


def _records(
    session: Session, actor: Actor, ref: str, demand: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Pairs of a date and what to record of it."""
    verbs: list[tuple[str, str, Any, Any]] = [
        ("responses", "on", ResponseNew, recording.record_response),
        ("status_changes", "effective_on", StatusChangeNew, status_changes.change_status),
        ("readings", "on", ReadingNew, recording.take_reading),
        ("updates", "on", UpdateNew, recording.add_update),
    ]
    for name, date, schema, verb in verbs:
        for item in demand.get(name, []):
            yield item[date], partial(verb, session, actor, ref, schema.model_validate(item))


def _read(file: Path) -> Any:
    with _telling(file):
        return yaml.safe_load(file.read_text(encoding="utf-8"))


@contextmanager
def _telling(place: Path) -> Iterator[None]:
    """Raises BadData for what is wrong with the data there."""
    try:
        yield
    except yaml.YAMLError as error:
        raise BadData(f"{place} is no YAML: {' '.join(str(error).split())}") from error
    except KeyError as error:
        raise BadData(f"{place} lacks {error}.") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise BadData(f"{place} has a wrong {error.title}: {where}: {told(wrong)}.") from error
