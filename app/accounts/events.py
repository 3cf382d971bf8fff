"""What each event about who acts here tells; names and addresses of people are not for the ledger."""

import uuid

from pydantic import MISSING, BaseModel

from app.accounts.roles import Role
from app.accounts.schemas import OrganizationRead


class AboutOrganization(BaseModel):
    organization: OrganizationRead


class OrganizationSlug(BaseModel):
    slug: str


class OrganizationWithdrawn(BaseModel):
    """Says no more of the organization than which it is."""

    organization: OrganizationSlug


class KeyTold(BaseModel):
    id: uuid.UUID
    prefix: str
    role: Role
    organization: str


class AboutKey(BaseModel):
    key: KeyTold


class PersonTold(BaseModel):
    """By id only, with where the event takes place, if it is about an organization."""

    id: uuid.UUID
    organization: str | MISSING = MISSING
    role: Role | MISSING = MISSING


class AboutPerson(BaseModel):
    person: PersonTold


EVENTS: dict[str, type[BaseModel]] = {
    "key.created": AboutKey,
    "key.revoked": AboutKey,
    "organization.created": AboutOrganization,
    "organization.redacted": AboutOrganization,
    "organization.revised": AboutOrganization,
    "organization.withdrawn": OrganizationWithdrawn,
    "person.disabled": AboutPerson,
    "person.enabled": AboutPerson,
    "person.joined": AboutPerson,
    "person.left": AboutPerson,
}
