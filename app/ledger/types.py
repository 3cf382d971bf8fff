"""Every type of event, with what it tells. Only these can be recorded, so that readers can rely on the list."""

from typing import Annotated

from pydantic import AfterValidator, Field

EVENT_TYPES = {
    "body.created": "A body was added.",
    "body.redacted": "Words were taken out of a body for good, here and in earlier entries.",
    "body.revised": "What is recorded of a body was revised.",
    "campaign.created": "A campaign was begun.",
    "campaign.redacted": "Words were taken out of a campaign for good, here and in earlier entries.",
    "campaign.revised": "What is recorded of a campaign was revised.",
    "content.redacted": "Words were taken out of the record for good; for staff.",
    "demand.cited": "Evidence was added to a demand.",
    "demand.created": "A demand was drafted.",
    "demand.due_soon": "The deadline of a demand is near.",
    "demand.embargoed": "A demand is to be published at a set time.",
    "demand.milestone_planned": "A step towards a demand was planned.",
    "demand.milestone_reached": "A planned step was done.",
    "demand.milestone_revised": "A planned step was revised.",
    "demand.overdue": "The deadline of a demand has passed.",
    "demand.published": "A demand was published.",
    "demand.reading_taken": "The indicator of a demand has a new value.",
    "demand.redacted": "Words were taken out of a demand for good, here and in earlier entries.",
    "demand.related": "A demand was tied to another.",
    "demand.response_recorded": "A body answered a demand.",
    "demand.returned_to_draft": "A demand went back from review to draft.",
    "demand.review_due": "A demand was not checked for longer than its campaign wants.",
    "demand.revised": "What is recorded of a demand was revised.",
    "demand.sent_to_review": "A draft was sent to review.",
    "demand.status_changed": "A demand has another status, or its status was corrected.",
    "demand.status_verified": "A second person confirmed a status.",
    "demand.taken_down": "A demand was taken from view, with the reason; for staff.",
    "demand.unpublished": "A demand was taken from view; for those who could see it before.",
    "demand.unrelated": "A tie between two demands was taken back.",
    "demand.update_added": "There is a note of progress.",
    "key.created": "An API key was made.",
    "key.revoked": "An API key was revoked.",
    "kind.created": "A kind of demand was added.",
    "kind.redacted": "Words were taken out of a kind of demand for good, here and in earlier entries.",
    "kind.revised": "A kind of demand was revised.",
    "ledger.restored": "The database was restored from a backup: what was told after this seq is undone.",
    "organization.created": "An organization was added.",
    "organization.redacted": "Words were taken out of an organization for good, here and in earlier entries.",
    "organization.revised": "What is recorded of an organization was revised.",
    "organization.withdrawn": "An organization was taken from view; for those who could see it before.",
    "person.disabled": "The access of a person was ended.",
    "person.enabled": "The access of a person was given back.",
    "person.joined": "A person was given a role in an organization.",
    "person.left": "A person has no role in an organization any more.",
    "source.created": "A source was added.",
    "source.redacted": "Words were taken out of a source for good, here and in earlier entries.",
    "source.revised": "What is recorded of a source was revised.",
    "source.withdrawn": "A source was taken from view; for those who could see it before.",
    "webhook.created": "A webhook was set up.",
    "webhook.deleted": "A webhook was deleted.",
    "webhook.disabled": "A webhook was disabled by the tracker.",
    "webhook.failing": "The endpoint of a webhook has failed for an hour, a day or three days.",
    "webhook.paused": "A webhook was paused.",
    "webhook.replay_begun": "Earlier messages are sent to a webhook again.",
    "webhook.replay_cancelled": "What was being sent to a webhook again is sent no further.",
    "webhook.resumed": "A webhook goes on: one that was paused or disabled, or one that passes over what waited.",
    "webhook.revised": "A webhook was revised.",
    "webhook.secret_rotated": "A webhook has a new secret.",
    "webhook.verified": "The endpoint of a webhook has proven that it is its organization's.",
}

FOR_STAFF = frozenset(  # nobody else is ever told of these
    {
        "content.redacted",
        "demand.created",
        "demand.embargoed",
        "demand.returned_to_draft",
        "demand.sent_to_review",
        "demand.taken_down",
        *(name for name in EVENT_TYPES if name.startswith(("key.", "person.", "webhook."))),
    }
)

NEWS = (  # what happened in the world, and not what was done to its record
    "demand.status_changed",
    "demand.status_verified",
    "demand.response_recorded",
    "demand.reading_taken",
    "demand.update_added",
    "demand.milestone_reached",
    "demand.overdue",
    "demand.unpublished",
)


def _known(name: str) -> str:
    if name not in EVENT_TYPES:
        raise ValueError(f"there is no event type {name}; `GET /api/v1/event-types` lists them")
    return name


EventType = Annotated[str, AfterValidator(_known), Field(max_length=60, examples=["demand.status_changed"])]
