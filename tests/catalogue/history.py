"""A history in which everything happens that can, told to each circle, with what was taken from view since."""

import datetime
import uuid
from typing import Any

from fastapi.testclient import TestClient

from app import clock
from app.accounts.actor import system
from app.database import Database
from app.demands import timekeeping
from app.ledger.restoring import begin_epoch
from app.webhooks import actions, events
from app.webhooks.models import Webhook
from tests.factories import (
    API,
    a_body,
    a_campaign,
    a_demand,
    a_draft,
    a_kind,
    a_source,
    an_organization,
    change,
    made,
    publish,
)
from tests.webhooks.deliveries import a_webhook, note

CIRCLES = ["public", "partners", "staff"]
NAME = "Name Of A Detained Person"
HOOK = "http://127.0.0.1:9999/"


def happen(database: Database, admin: TestClient, editor: TestClient, second: TestClient) -> None:
    """`second` is another editor, who verifies."""
    common = _set_the_scene(editor)
    for circle in CIRCLES:
        _record_everything(editor, second, audience=circle, **common)
    _think_better_of_it(editor)
    _name_someone(editor)
    made(editor, "redactions", {"text": NAME, "reason": "A person asked."})
    _let_time_pass(database, editor, common)
    _let_people_come_and_go(admin)
    _steer_a_webhook(database, admin)
    with database.write() as session:
        begin_epoch(session, system("tests"))


def _set_the_scene(editor: TestClient) -> dict[str, Any]:
    """Everything is revised once too."""
    campaign, kind, body = a_campaign(editor)["slug"], a_kind(editor)["slug"], a_body(editor)["slug"]
    for path in (f"campaigns/{campaign}", f"bodies/{body}"):
        patch(editor, path, name="Another name")
    patch(editor, f"kinds/{kind}", about="Another kind")
    return {"campaign": campaign, "kind": kind, "targets": [{"body": body, "role": "decides"}]}


def _record_everything(editor: TestClient, second: TestClient, **values: Any) -> None:
    sources = [a_source(editor, audience=circle)["slug"] for circle in CIRCLES]
    evidence = [{"source": slug, "stance": "supports", "quote": NAME} for slug in sources]
    issuers = [an_organization(editor, audience=circle)["slug"] for circle in CIRCLES]
    indicator = {"name": "released", "unit": "people", "target": 55}
    draft = a_draft(editor, issuers=issuers, tags=["access"], indicator=indicator, **values)
    ref, body = draft["ref"], draft["targets"][0]["body"]["slug"]
    change(editor, ref, "in_progress")  # told to readers later, without what the draft says of itself until then
    publish(editor, ref, state="in_review")
    publish(editor, ref, state="draft")
    publish(editor, ref, embargoed_until="2999-01-01T00:00:00Z")
    publish(editor, ref)
    patch(editor, f"demands/{ref}", title=f"Release of {NAME}")
    note(editor, ref)
    made(editor, f"demands/{ref}/updates", {"text": NAME, "on": "2024-03", "citations": evidence})
    said = {"body": body, "response": "noted", "on": "2024", "says": "Noted.", "citations": evidence}
    made(editor, f"demands/{ref}/responses", said)
    made(editor, f"demands/{ref}/readings", {"value": 36, "on": "2024-01-02", "citations": evidence})
    step = made(editor, f"demands/{ref}/milestones", {"title": "A step", "planned_on": "2030"})
    patch(editor, f"demands/{ref}/milestones/{step['id']}", title="Another step")
    patch(editor, f"demands/{ref}/milestones/{step['id']}", done_on="2024-01-02")
    for slug in sources:
        made(editor, f"demands/{ref}/citations", {"source": slug, "stance": "states"})
    met = change(editor, ref, "met", citations=evidence)
    assert second.put(f"{API}/status-changes/{met['id']}/verification", json={}).status_code == 200
    for other in (a_demand(editor)["ref"], a_draft(editor)["ref"]):
        tie = made(editor, f"demands/{ref}/relations", {"to": other, "type": "part_of"})
        assert editor.delete(f"{API}/demands/{ref}/relations/{tie['id']}").status_code == 204
    change(editor, ref, "reversed", citations=evidence)
    change(editor, ref, "superseded")


def _think_better_of_it(editor: TestClient) -> None:
    """What everyone could see is taken from view, after it was told of."""
    source, organization = a_source(editor)["slug"], an_organization(editor)["slug"]
    ref = a_demand(editor, issuers=[organization])["ref"]
    change(editor, ref, "in_progress", citations=[{"source": source, "stance": "supports"}])
    made(editor, f"demands/{ref}/citations", {"source": source, "stance": "states"})
    for path in (f"sources/{source}", f"organizations/{organization}"):
        patch(editor, path, url="https://news.example/moved")
        patch(editor, path, audience="staff")
    narrowed, hidden = a_demand(editor)["ref"], a_demand(editor)["ref"]
    patch(editor, f"demands/{narrowed}", audience="partners")
    publish(editor, hidden, state="unpublished", reason="It was not theirs to make.")


def _name_someone(editor: TestClient) -> None:
    a_source(editor, title=NAME)
    a_kind(editor, about=NAME)
    for make in (a_body, an_organization, a_campaign):
        make(editor, name=NAME)


def _let_time_pass(database: Database, editor: TestClient, common: dict[str, Any]) -> None:
    a_demand(editor, deadline="2023-12", **common)
    a_demand(editor, deadline=(clock.today() + datetime.timedelta(days=10)).isoformat(), **common)
    patch(editor, f"demands/{a_demand(editor, **common)['ref']}", last_checked_on="2024-01-01")
    timekeeping.tick(database)


def _let_people_come_and_go(admin: TestClient) -> None:
    slug = an_organization(admin)["slug"]
    person = {"email": "ada@example.org", "name": "Ada", "organization": slug, "role": "viewer"}
    path = f"people/{made(admin, 'people', person)['id']}"
    for disabled in (True, False):
        patch(admin, path, disabled=disabled)
    assert admin.delete(f"{API}/{path}/memberships/{slug}").status_code == 204
    key = made(admin, "keys", {"role": "viewer", "organization": slug})
    assert admin.delete(f"{API}/keys/{key['id']}").status_code == 204


def _steer_a_webhook(database: Database, admin: TestClient) -> None:
    webhook = a_webhook(admin, HOOK, types=["demand.cited"], filters={"status": "met", "disputed": False})
    path = f"webhooks/{webhook['id']}"
    patch(admin, path, description="Another")
    for paused in (True, False):
        assert admin.put(f"{API}/{path}/paused", json={"paused": paused}).status_code == 200
    made(admin, f"{path}/secret", {})
    replay = made(admin, f"{path}/replay", {"from_seq": 1})
    assert admin.delete(f"{API}/{path}/replay/{replay['id']}").status_code == 200
    kept = uuid.UUID(webhook["id"])
    with database.write() as session:
        events.record(session, system("tests"), "webhook.verified", session.get_one(Webhook, kept), "ada-org")
        actions.warn_of_failures(session, kept, 24)
        actions.disable_webhook(session, kept, "The endpoint failed for five days.")
    assert admin.delete(f"{API}/{path}").status_code == 204


def patch(client: TestClient, path: str, **changes: Any) -> None:
    answer = client.patch(f"{API}/{path}", json=changes, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
