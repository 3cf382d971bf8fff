"""What the tracker does by itself is done in time, however seldom it looks."""

import asyncio
import datetime
from contextlib import contextmanager

from pydantic import SecretStr

from app import clock, worker
from app.follows import gathering
from tests.factories import API, a_draft, publish, refs
from tests.follows.followers import ask
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


def test_mail_is_sent_though_what_followers_are_told_cannot_be_gathered(
    app, portal, client, settings, mail_server, monkeypatch
):
    def fail(session):
        raise ValueError("a fault of ours")

    monkeypatch.setattr(gathering, "_outlook", fail)
    monkeypatch.setattr(settings, "smtp_url", SecretStr(mail_server.url))
    assert ask(client).status_code == 202

    with working(app, portal):
        wait_until(lambda: mail_server.has(1))
