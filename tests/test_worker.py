"""What the tracker does by itself is done in time, however seldom it looks."""

import asyncio
import datetime
from contextlib import contextmanager

from app import clock, worker
from tests.factories import API, a_draft, publish, refs
from tests.webhooks.deliveries import wait_until


@contextmanager
def working(app, portal):
    stop = portal.call(asyncio.Event)
    done = portal.start_task_soon(worker.run, app.state.database, app.state.vault, app.state.settings, stop)
    try:
        yield
    finally:
        portal.call(stop.set)
        done.result(30)


def embargo(client, ref):
    end = clock.now() + datetime.timedelta(seconds=1.5)
    publish(client, ref, embargoed_until=end.isoformat())
    return end


def test_an_embargo_ends_at_its_hour_even_one_set_since_the_last_tick(app, portal, ada, client, monkeypatch):
    monkeypatch.setattr(worker, "TICK", datetime.timedelta(hours=1))
    first, second = a_draft(ada)["ref"], a_draft(ada)["ref"]

    ends = [embargo(ada, first)]
    with working(app, portal):
        wait_until(lambda: refs(client) == [first])
        ends.append(embargo(ada, second))
        wait_until(lambda: len(refs(client)) == 2)

    told = client.get(f"{API}/events", params={"types": "demand.published"}).json()["items"]
    published = [datetime.datetime.fromisoformat(event["recorded_at"]) for event in told]
    assert [event["demand"] for event in told] == [first, second]
    assert all(end <= at for end, at in zip(ends, published, strict=True))
