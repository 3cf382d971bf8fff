"""An example of whatever a schema describes: always the same, and such as might be."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_ID = "0199c1de-7a10-7000-8000-000000000042"
_LIKELY: dict[str, Any] = {  # by the name of the member, and of what it is a member of where that tells
    "about": "What it is about.",
    "acronym": "OCHA",
    "archive_url": None,
    "asks": "OCHA is asked to assess the needs of the displaced.",
    "body": "ocha",
    "campaign": "nagorno-karabakh",
    "campaign.name": "Nagorno-Karabakh",
    "campaign.slug": "nagorno-karabakh",
    "campaign.url": "https://example.org/",
    "cited_for": "status_change",
    "claimed_on": None,
    "classification": "un_office",
    "confidence": "high",
    "counts_as_met": "A published assessment.",
    "date_note": None,
    "deadline": None,
    "demand.url": "https://demands.example.org/api/v1/demands/NK-4",
    "demand.version": 7,
    "effective_on": "2024-02-10",
    "embargoed_until": None,
    "entries": 17,
    "epoch": "5f0c6a7be2d94b0f9a1c3d5e7f902468",
    "failing_hours": 24,
    "filters": {"body": ["ocha"]},
    "first_made_on": "2023-09-28",
    "from": "open",
    "holder": None,
    "host": "partner.example",
    "identifiers": {"wikidata": "Q1065"},
    "indicator.name": "sites visited",
    "internal_note": None,
    "issued_by": "ocha",
    "issuers.name": "Rights Watch",
    "issuers.slug": "rights-watch",
    "key.prefix": "dt_4711",
    "kind": "needs_assessment",
    "kind.slug": "needs_assessment",
    "label": {"en": "Needs assessment"},
    "language": "en",
    "languages": "en",
    "ledger.seq": 1041,
    "links.demand": "https://demands.example.org/api/v1/demands/NK-4",
    "links.event": "https://demands.example.org/api/v1/events?after=0199c1de7a10-1041&to_seq=1042",
    "latest": 36,
    "latest_on": "2024-02",
    "locator": "page 2",
    "milestone.done_on": "2024-02-10",
    "milestone.title": "A team is sent",
    "name": "Office for the Coordination of Humanitarian Affairs",
    "next_review_on": "2024-05-10",
    "note": None,
    "number": 2,
    "on": "2024-02",
    "organization": "rights-watch",
    "organization.name": "Rights Watch",
    "organization.slug": "rights-watch",
    "parent": "un-secretariat",
    "prefix": "NK",
    "publication": "published",
    "published_on": "2024-02",
    "publisher": "OCHA",
    "quote": "A team will be sent on 10 February.",
    "reason": "OCHA announced the dates and sent a team.",
    "ref": "NK-4",
    "relation.ref": "NK-3",
    "relation.type": "supersedes",
    "response": "acknowledged",
    "response.says": "The request was received.",
    "response_on": "2024-01-20",
    "review_interval_days": 90,
    "seq": 1042,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "slug": "ocha",
    "source.kind": "report",
    "source.slug": "ocha-2024-note",
    "source.title": "Note to correspondents",
    "stance": "supports",
    "state_reason": None,
    "status": "in_progress",
    "status_group": "moving",
    "status_since": "2024-02-10",
    "successor": None,
    "tags": "access",
    "target": 55,
    "text": "A second team has arrived.",
    "title": "An assessment of needs",
    "to": "in_progress",
    "translation": None,
    "types": "demand.status_changed",
    "unit": "sites",
    "url": "https://example.org/",
    "value": 36,
    "verification": None,
    "verified_at": None,
    "verified_by": None,
    "version": 1,
}
_BY_FORMAT = {"date-time": "2024-02-10T09:30:00Z", "date": "2024-02-10", "uuid": _ID}
_BY_TYPE: dict[str, Any] = {"integer": 3, "number": 36, "boolean": False, "null": None, "string": "as written"}


def example(schema: Schema, definitions: Mapping[str, Schema], name: str = "") -> Any:
    """`definitions` are what the schema refers to, by the last part of the reference."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rpartition("/")[2]], definitions, name)
    if "const" in schema:
        return schema["const"]
    if "properties" in schema:
        thing = name.rpartition(".")[2]
        return {part: example(of, definitions, f"{thing}.{part}") for part, of in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example(schema["items"], definitions, name)]
    if "anyOf" in schema:
        return _of_several(schema["anyOf"], definitions, name)
    return _plain(schema, name)


def _of_several(choices: list[Schema], definitions: Mapping[str, Schema], name: str) -> Any:
    """The first, which is the telling one; null only where that is the likely thing."""
    if {"type": "null"} in choices and _likely(name, ...) is None:
        return None
    return example(choices[0], definitions, name)


def _plain(schema: Schema, name: str) -> Any:
    likely = _likely(name)
    if "enum" in schema:
        return likely if likely in schema["enum"] else schema["enum"][0]
    if likely is not None:
        return likely
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    return schema["examples"][0] if "examples" in schema else _BY_TYPE[schema["type"]]


def _likely(name: str, otherwise: Any = None) -> Any:
    return _LIKELY.get(name, _LIKELY.get(name.rpartition(".")[2], otherwise))
