"""What a worker reads at once, at its largest."""

from app import clock, ledger
from app.accounts.actor import system
from app.fields import Audience
from app.ledger.models import Event
from app.webhooks import lanes, planning
from app.webhooks.models import Reason, Replay, Undelivered, Webhook
from app.webhooks.preparing import prepare
from tests.benchmarks.partners import happen, subscribe
from tests.statements import asked
from tests.webhooks.deliveries import rows

EACH = 20


def test_as_many_scattered_events_are_prepared_as_full_lanes_may_want_again(app, database):
    urls = [f"http://127.0.0.1:9999/{number}" for number in range(60)]
    subscribe(database, app.state.vault, urls, "crowd")
    webhooks = rows(database, Webhook)
    count = 2 * EACH * len(webhooks)
    with database.write() as session:
        about = ledger.About(keys=["tag:crowd"])
        for _ in range(count):
            ledger.record(session, system("tests"), "demand.revised", about, audience=Audience.PUBLIC)
    given_up = iter([event for event in rows(database, Event) if event.seq % 2 == 0][-count // 2 :])
    with database.write() as session:
        for webhook in webhooks:
            session.add(Replay(webhook_id=webhook.id, from_seq=1, to_seq=count, at_seq=0, only_undelivered=True))
            for event, _ in zip(given_up, range(EACH), strict=False):
                session.add(
                    Undelivered(
                        webhook_id=webhook.id,
                        seq=event.seq,
                        event_id=event.id,
                        reason=Reason.REJECTED,
                        set_aside_at=clock.now(),
                    )
                )
        while planning.plan(session):
            pass
        claimed = lanes.claim(session, "worker", len(webhooks))

    with database.read() as session:
        runs = prepare(session, claimed, "http://test/api/v1")

    assert len(runs) == len(webhooks)
    assert all(run.messages for run in runs)


def test_a_change_for_many_asks_the_database_no_more_than_one_for_a_single_webhook(app, database):
    counts = []
    for words, count in (("one", 1), ("many", 30)):
        subscribe(database, app.state.vault, [f"http://127.0.0.1:9999/{number}" for number in range(count)], words)
        happen(database, words)

        with asked(by_this_thread=True) as statements:
            with database.write() as session:
                planning.plan(session)
                claimed = lanes.claim(session, "worker", 100)
            with database.read() as session:
                runs = prepare(session, claimed, "http://test/api/v1")

        assert [len(run.messages) for run in runs] == [1] * count
        counts.append(len(statements))

    assert counts == [8, 8]
