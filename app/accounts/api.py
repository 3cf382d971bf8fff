"""Routes for organisations, people and keys."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, status

from app import etags
from app.accounts import actions, queries
from app.accounts.current import CurrentActor, CurrentAdmin, CurrentCampaigner, Db
from app.accounts.idempotency import OnceOnly
from app.accounts.schemas import (
    KeyMade,
    KeyNew,
    KeyRead,
    Me,
    OrganizationNew,
    OrganizationQuery,
    OrganizationRead,
    OrganizationRevision,
    PersonNew,
    PersonRead,
    PersonRevision,
)
from app.documenting import announced
from app.etags import IfMatch
from app.fields import Slug
from app.paging import Page, PageQuery, link_next

router = APIRouter()


@router.get("/me", tags=["accounts"])
def read_me(actor: CurrentActor) -> Me:
    """Who you are to the tracker, and how far you see."""
    return Me(role=actor.role, organization=actor.organization, audience=actor.audience)


@router.get("/organizations", tags=["organizations"])
def list_organizations(
    database: Db,
    actor: CurrentActor,
    query: Annotated[OrganizationQuery, Query()],
    request: Request,
    response: Response,
) -> Page[OrganizationRead]:
    with database.read() as session:
        page = queries.list_organizations(session, actor, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/organizations",
    tags=["organizations"],
    status_code=status.HTTP_201_CREATED,
    response_model=OrganizationRead,
)
def create_organization(actor: CurrentCampaigner, new: OrganizationNew, once: OnceOnly) -> Response:
    return once.create(lambda session: actions.create_organization(session, actor, new), etags.made_in("organizations"))


@router.get("/organizations/{slug}", tags=["organizations"])
def read_organization(database: Db, actor: CurrentActor, slug: Slug, response: Response) -> OrganizationRead:
    with database.read() as session:
        organization = queries.organization_read(actor, queries.get_organization(session, actor, slug))
    response.headers["ETag"] = etags.etag(organization.version)
    return organization


@router.patch("/organizations/{slug}", tags=["organizations"])
def revise_organization(
    database: Db,
    actor: CurrentCampaigner,
    slug: Slug,
    revision: OrganizationRevision,
    response: Response,
    if_match: IfMatch = None,
) -> OrganizationRead:
    with database.write() as session:
        organization = actions.revise_organization(session, actor, slug, revision, if_match)
    response.headers["ETag"] = etags.etag(organization.version)
    return organization


@router.get("/keys", tags=["accounts"])
def list_keys(
    database: Db, actor: CurrentAdmin, query: Annotated[PageQuery, Query()], request: Request, response: Response
) -> Page[KeyRead]:
    with database.read() as session:
        page = queries.list_keys(session, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/keys", tags=["accounts"], status_code=status.HTTP_201_CREATED, response_model=KeyMade)
def create_key(actor: CurrentAdmin, new: KeyNew, once: OnceOnly) -> Response:
    """The answer shows the key, this once."""
    return once.create(lambda session: actions.create_key(session, actor, new))


@router.delete(
    "/keys/{key_id}",
    tags=["accounts"],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=announced(actions.LastAdmin),
)
def revoke_key(database: Db, actor: CurrentAdmin, key_id: uuid.UUID) -> None:
    with database.write() as session:
        actions.revoke_key(session, actor, key_id)


@router.get("/people", tags=["accounts"])
def list_people(
    database: Db, actor: CurrentAdmin, query: Annotated[PageQuery, Query()], request: Request, response: Response
) -> Page[PersonRead]:
    with database.read() as session:
        page = queries.list_people(session, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/people", tags=["accounts"], status_code=status.HTTP_201_CREATED, response_model=PersonRead)
def create_person(actor: CurrentAdmin, new: PersonNew, once: OnceOnly) -> Response:
    """Add a person, or give one who is known a role in another organization."""
    return once.create(lambda session: actions.create_person(session, actor, new), _place_of_person)


def _place_of_person(made: Any) -> dict[str, str]:
    return {"Location": f"/api/v1/people/{made.id}"}


@router.get("/people/{person_id}", tags=["accounts"])
def read_person(database: Db, actor: CurrentAdmin, person_id: uuid.UUID) -> PersonRead:
    with database.read() as session:
        return queries.get_person(session, person_id)


@router.patch("/people/{person_id}", tags=["accounts"], responses=announced(actions.LastAdmin))
def revise_person(database: Db, actor: CurrentAdmin, person_id: uuid.UUID, revision: PersonRevision) -> PersonRead:
    """End somebody's access, or give it back: the keys of a person who is disabled open nothing."""
    with database.write() as session:
        return actions.revise_person(session, actor, person_id, revision)


@router.delete(
    "/people/{person_id}/memberships/{organization}",
    tags=["accounts"],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=announced(actions.LastAdmin),
)
def leave_organization(database: Db, actor: CurrentAdmin, person_id: uuid.UUID, organization: Slug) -> None:
    """Take a person's role in an organization away; the keys that they have there are revoked."""
    with database.write() as session:
        actions.leave_organization(session, actor, person_id, organization)
