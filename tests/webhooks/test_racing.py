"""Workers and people that come to the same lane at the same moment. On SQLite, one of them comes first."""

import threading
import uuid

from sqlalchemy import text

from app.ledger.reading import head
from app.webhooks import lanes
from app.webhooks.models import Lane
from tests.databases import on_postgresql
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, note, wait_until
from tests.webhooks.test_lanes import HOOK, claim, done, happen, lane_of, plan, plan_all, settle


def put(client, webhook, paused):
    answer = client.put(f"{API}/webhooks/{webhook['id']}/paused", json={"paused": paused})
    assert answer.status_code == 200, answer.text


def somebody_waits_for_a_lock(database):
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with database.read() as session:
        return session.execute(waiting).scalar_one()


@on_postgresql
def test_who_is_resumed_while_others_are_being_woken_is_woken_too(database, eve):
    first, resumed = a_webhook(eve, HOOK), a_webhook(eve, HOOK)
    put(eve, resumed, paused=True)
    plan_all(database)
    settle(database, *map(done, claim(database)))
    happen(database)
    planner = threading.Thread(target=plan_all, args=[database])

    with database.write() as session:
        lanes.lock(session, uuid.UUID(first["id"]))  # so that the planner has read both, and waits
        planner.start()
        wait_until(lambda: somebody_waits_for_a_lock(database))
        put(eve, resumed, paused=False)
        settle(database, *map(done, claim(database)))
    planner.join()

    lane = lane_of(database, resumed)
    assert lane.cursor_seq < lane.wake_seq
    assert resumed["id"] in {str(claimed.lease.webhook_id) for claimed in claim(database)}


@on_postgresql
def test_what_happens_while_types_are_revised_is_planned_by_the_new_ones(database, ada, eve, monkeypatch):
    webhook = a_webhook(eve, HOOK, types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"])
    plan_all(database)

    def head_before_something_happens(session):
        here = head(session)
        for step in (happen, plan):
            meanwhile = threading.Thread(target=step, args=[database])
            meanwhile.start()
            meanwhile.join()
        return here

    monkeypatch.setattr("app.webhooks.actions.head", head_before_something_happens)
    revised = eve.patch(f"{API}/webhooks/{webhook['id']}", json={"types": ["demand.update_added", "demand.revised"]})
    plan_all(database)

    assert revised.status_code == 200
    [happened] = ada.get(f"{API}/events", params={"types": "demand.revised"}).json()["items"]
    assert lane_of(database, webhook).wake_seq == happened["seq"]


def test_letting_an_active_webhook_go_on_has_its_lane_looked_after(database, eve):
    webhook = a_webhook(eve, HOOK)
    happen(database)
    plan_all(database)
    with database.write() as session:
        session.get_one(Lane, uuid.UUID(webhook["id"])).ready_at = None

    put(eve, webhook, paused=False)

    assert len(claim(database)) == 1
