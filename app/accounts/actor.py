"""Whoever is asking, as the rest of the code sees them."""

import uuid
from dataclasses import dataclass

from app.accounts.roles import Role
from app.fields import Audience
from app.problems import Forbidden, Unauthenticated


@dataclass(frozen=True)
class Actor:
    """Someone with a role, or nobody in particular (`ANONYMOUS`)."""

    role: Role | None
    audience: Audience  # how far they see
    organization_id: uuid.UUID | None = None
    organization: str | None = None  # its slug
    person_id: uuid.UUID | None = None
    key_id: uuid.UUID | None = None
    name: str | None = None  # of a part of the tracker itself: the seed, the worker, the command line

    @property
    def identity(self) -> str:
        """One person, as far as can be told: two keys of one person are one, two keys without persons are two."""
        return str(self.person_id or self.key_id or self.name)

    @property
    def attribution(self) -> dict[str, str | None]:
        return {
            "organization": self.organization,
            "person": str(self.person_id) if self.person_id else None,
            "key": str(self.key_id) if self.key_id else None,
            "name": self.name,
        }

    @property
    def is_the_tracker(self) -> bool:
        """A part of it, such as the seed, rather than people with a key."""
        return self.key_id is None and self.name is not None

    @property
    def is_staff(self) -> bool:
        return self.role is not None and self.role.is_staff

    def may(self, role: Role) -> bool:
        return self.role is not None and self.role.includes(role)

    def must_be(self, role: Role) -> None:
        """Raises Unauthenticated for nobody, Forbidden for less than the role."""
        if self.role is None:
            raise Unauthenticated(
                f"This needs a key with the role {role.value}; send it as `Authorization: Bearer …`.", needs=role.value
            )
        if not self.role.includes(role):
            raise Forbidden(
                f"This needs the role {role.value}; your key has {self.role.value}.",
                needs=role.value,
                has=self.role.value,
            )


ANONYMOUS = Actor(role=None, audience=Audience.PUBLIC)


def system(name: str) -> Actor:
    """The tracker acting for itself."""
    return Actor(role=Role.ADMIN, audience=Audience.STAFF, name=name)
