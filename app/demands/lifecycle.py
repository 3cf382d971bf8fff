"""What can happen to a demand: the statuses, the moves between them, and what each move needs."""

import enum


class Group(enum.StrEnum):
    OPEN = "open"
    MOVING = "moving"
    BLOCKED = "blocked"
    MET = "met"
    CLOSED = "closed"


class Status(enum.StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    PARTIALLY_MET = "partially_met"
    STALLED = "stalled"
    REVERSED = "reversed"
    MET = "met"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    OVERTAKEN = "overtaken"

    @property
    def group(self) -> Group:
        return _GROUPS[self]

    @property
    def is_closed(self) -> bool:
        return self.group is Group.CLOSED

    @property
    def is_settled(self) -> bool:
        """Nothing more is expected: it is neither late nor unanswered."""
        return self.group in (Group.MET, Group.CLOSED)

    @property
    def needs_evidence(self) -> bool:
        return self not in (Status.OPEN, *CLOSED)

    @property
    def needs_verification(self) -> bool:
        """Only claimed, until a second person confirms it."""
        return self in (Status.MET, Status.REVERSED)


class TargetRole(enum.StrEnum):
    """A body's part in a demand."""

    DECIDES = "decides"
    IMPLEMENTS = "implements"
    SUPPORTS = "supports"
    ADVISES = "advises"


class ChangeKind(enum.StrEnum):
    CHANGE = "change"  # the world changed
    CORRECTION = "correction"  # we were wrong; the world did not change


class Verification(enum.StrEnum):
    CLAIMED = "claimed"
    VERIFIED = "verified"


class Confidence(enum.StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Publication(enum.StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"


class Sensitivity(enum.StrEnum):
    NORMAL = "normal"
    HIGH = "high"


class Stance(enum.StrEnum):
    """What a citation has to say about what it is attached to."""

    STATES = "states"
    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    CONTEXT = "context"


class Answer(enum.StrEnum):
    """What a body said."""

    NONE = "none"
    ACKNOWLEDGED = "acknowledged"
    SUPPORTED = "supported"
    PARTLY_SUPPORTED = "partly_supported"
    NOTED = "noted"
    REJECTED = "rejected"
    REFERRED_ELSEWHERE = "referred_elsewhere"


class RelationType(enum.StrEnum):
    DUPLICATES = "duplicates"
    SUPERSEDES = "supersedes"
    PART_OF = "part_of"
    RELATED = "related"

    @property
    def is_hierarchical(self) -> bool:
        """Must not lead back to where it started."""
        return self in (RelationType.SUPERSEDES, RelationType.PART_OF)

    @property
    def inverse(self) -> str:
        """How the other end names it."""
        return {
            RelationType.DUPLICATES: "duplicates",
            RelationType.SUPERSEDES: "superseded_by",
            RelationType.PART_OF: "has_part",
            RelationType.RELATED: "related",
        }[self]


CLOSED = (Status.WITHDRAWN, Status.SUPERSEDED, Status.OVERTAKEN)

MOVES: dict[Status, tuple[Status, ...]] = {
    Status.OPEN: (Status.IN_PROGRESS, Status.PARTIALLY_MET, Status.MET, Status.REVERSED, *CLOSED),
    Status.IN_PROGRESS: (Status.PARTIALLY_MET, Status.MET, Status.STALLED, Status.REVERSED, *CLOSED),
    Status.PARTIALLY_MET: (Status.IN_PROGRESS, Status.MET, Status.STALLED, Status.REVERSED, *CLOSED),
    Status.STALLED: (Status.IN_PROGRESS, Status.PARTIALLY_MET, Status.MET, Status.REVERSED, *CLOSED),
    Status.REVERSED: (Status.IN_PROGRESS, Status.PARTIALLY_MET, Status.MET, Status.STALLED, *CLOSED),
    Status.MET: (Status.REVERSED, Status.PARTIALLY_MET),
    Status.WITHDRAWN: (Status.OPEN,),
    Status.SUPERSEDED: (Status.OPEN,),
    Status.OVERTAKEN: (Status.OPEN,),
}

PUBLICATION_MOVES: dict[Publication, tuple[Publication, ...]] = {
    Publication.DRAFT: (Publication.IN_REVIEW, Publication.PUBLISHED),
    Publication.IN_REVIEW: (Publication.DRAFT, Publication.PUBLISHED),
    Publication.PUBLISHED: (Publication.PUBLISHED, Publication.UNPUBLISHED),  # again: to change the embargo
    Publication.UNPUBLISHED: (Publication.DRAFT, Publication.PUBLISHED),
}

_GROUPS = {
    Status.OPEN: Group.OPEN,
    Status.IN_PROGRESS: Group.MOVING,
    Status.PARTIALLY_MET: Group.MOVING,
    Status.STALLED: Group.BLOCKED,
    Status.REVERSED: Group.BLOCKED,
    Status.MET: Group.MET,
    Status.WITHDRAWN: Group.CLOSED,
    Status.SUPERSEDED: Group.CLOSED,
    Status.OVERTAKEN: Group.CLOSED,
}


def moves_from(status: Status) -> tuple[Status, ...]:
    return MOVES[status]


def statuses_in(group: Group) -> list[Status]:
    return [status for status in Status if status.group is group]
