"""Organisations, people and keys as the API has them."""

import datetime
import uuid
from typing import Annotated

from pydantic import MISSING, AwareDatetime, BaseModel, EmailStr, Field, StringConstraints

from app.accounts.roles import Role
from app.fields import Audience, Line, Moment, Schema, Slug, Text, Title, Url
from app.paging import PageQuery

Password = Annotated[str, StringConstraints(min_length=12, max_length=200)]


class OrganizationNew(Schema):
    slug: Slug
    name: Title
    about: Text | None = None
    url: Url | None = None
    audience: Audience = Audience.PUBLIC
    reads: Audience = Audience.PARTNERS


class OrganizationRevision(Schema):
    name: Title | MISSING = MISSING
    about: Text | None | MISSING = MISSING
    url: Url | None | MISSING = MISSING
    audience: Audience | MISSING = MISSING
    reads: Audience | MISSING = MISSING


class OrganizationRead(BaseModel):
    slug: str
    name: str
    about: str | None
    url: str | None
    audience: Audience
    reads: Annotated[Audience | None, Field(description="What its members and webhooks may see; for staff, else null.")]
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class OrganizationQuery(PageQuery):
    q: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None,
        Field(description="A part of the name or the slug."),
    ] = None


class KeyNew(Schema):
    role: Role
    organization: Slug
    label: Line | None = None
    person: EmailStr | None = None
    expires_at: Moment | None = None


class KeyRead(BaseModel):
    id: uuid.UUID
    prefix: str
    label: str | None
    role: Role
    organization: str
    person: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    last_used_at: AwareDatetime | None


class KeyMade(KeyRead):
    """Shows the key itself, this once."""

    key: str


class PersonNew(Schema):
    email: EmailStr
    name: Title
    organization: Slug
    role: Role
    password: Password | None = None


class PersonRevision(Schema):
    """`disabled`: true ends the person's access, false gives it back."""

    disabled: bool | MISSING = MISSING


class MembershipRead(BaseModel):
    organization: str
    role: Role


class PersonRead(BaseModel):
    id: uuid.UUID
    email: str
    name: str
    memberships: list[MembershipRead]
    created_at: AwareDatetime
    disabled_at: datetime.datetime | None


class Me(BaseModel):
    """Who you are to the tracker."""

    role: Role | None
    organization: str | None
    audience: Audience
