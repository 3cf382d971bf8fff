"""The webhooks section of the OpenAPI document."""

from collections.abc import Callable
from typing import Any

from app.catalogue.messages import MEANINGS, schemas_of_all
from app.catalogue.queries import example_of
from app.documenting import PLACES, Document, Responses, add_schemas
from app.settings import Settings
from app.webhooks.ailing import GIVE_UP_DAYS
from app.webhooks.answers import BODY_LIMIT_BYTES, LONGEST_WAIT_SECONDS, TRIED_AGAIN
from app.webhooks.backoff import JITTER, RETRY_AFTER_SECONDS
from app.webhooks.signing import SIGNED_WITH


def add_webhooks(settings: Settings) -> Callable[[Document], None]:
    """What we send, as it is written and not as it is read."""

    def add(document: Document) -> None:
        messages, definitions = schemas_of_all(PLACES)
        add_schemas(document, definitions)
        responses = _responses(settings.webhook_timeout_seconds)
        document["webhooks"] = {
            name: {"post": _operation(name, schema, BESIDE.get(name, responses))}
            for name, schema in sorted(messages.items())
        }

    return add


BESIDE: dict[str, Responses] = {
    "webhook.test": {"default": {"description": "Shown to whoever sent it. It is not sent again by itself."}},
    "webhook.verification": {
        "2XX": {
            "description": "The endpoint is verified if the body is the challenge alone, or a JSON object that has it "
            "as `challenge`."
        },
        "default": {"description": "It is not, and not sent this again by itself."},
    },
}


def _responses(timeout_seconds: float) -> Responses:
    """What each answer leads to, as `app.webhooks` decides."""
    *first, last = map(_in_words, RETRY_AFTER_SECONDS)
    again = (
        f"The same message is sent again after {', '.join(first)}, and then every {last}, each ±{JITTER:.0%}, and not "
        f"before `Retry-After`, of which {_in_words(LONGEST_WAIT_SECONDS)} at most are heeded. Those after it wait "
        f"meanwhile. It is given up when the endpoint has failed for {GIVE_UP_DAYS} days."
    )
    *some, other = map(str, sorted(TRIED_AGAIN))
    return {
        "2XX": {
            "description": f"Delivered, where the answer is complete within {timeout_seconds:g} s, or its first "
            f"{BODY_LIMIT_BYTES // 1024} KiB are there. Answer first, and work afterwards."
        },
        "3XX": {"description": f"A failure: no redirect is followed. {again}"},
        "410": {"description": "Disables the webhook at once."},
        "4XX": {
            "description": "Not wanted: this message is set aside as undelivered, and the next one is sent. But "
            f"{', '.join(some)} and {other} are taken for trouble, as 5XX is."
        },
        "5XX": {
            "description": "In trouble; so is an endpoint that gives no complete answer within "
            f"{timeout_seconds:g} s. {again}"
        },
    }


def _in_words(seconds: float) -> str:
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "min"), (1, "s")) if seconds >= size)
    return f"{seconds / size:g} {unit}"


def _operation(name: str, schema: dict[str, Any], responses: Responses) -> dict[str, Any]:
    return {
        "tags": ["webhooks"],
        "operationId": f"receive_{name.replace('.', '_')}",
        "summary": MEANINGS[name],
        "parameters": [
            {"name": header, "in": "header", "required": True, "description": what, "schema": {"type": "string"}}
            for header, what in SIGNED_WITH.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example_of(name)}},
        },
        "responses": responses,
    }
