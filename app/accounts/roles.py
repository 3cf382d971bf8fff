"""The five roles. Each can do what the one before it can, and more."""

import enum


class Role(enum.StrEnum):
    VIEWER = "viewer"  # reads what its organisation may see
    PARTNER = "partner"  # and manages its organisation's webhooks
    CAMPAIGNER = "campaigner"  # and creates and updates
    EDITOR = "editor"  # and publishes, verifies, corrects, redacts
    ADMIN = "admin"  # and manages people, keys and everything

    def includes(self, other: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)

    @property
    def is_staff(self) -> bool:
        return self.includes(Role.CAMPAIGNER)
