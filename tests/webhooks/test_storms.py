"""What is recorded is received, in order, whoever is killed, frozen or cut off meanwhile: with real processes.

`--storms 20` goes through twenty of each instead of one, every one with another seed.
"""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.webhooks.models import Attempt, Lane, State, Undelivered
from tests.cutting import Network
from tests.databases import on_postgresql
from tests.factories import API, a_demand
from tests.webhooks import storms
from tests.webhooks.deliveries import a_webhook, note, rows, texts, wait_until

NOTES = 90  # each of which sixteen webhooks want, on average
STRIKES = 3
CUTS = 14


def pytest_generate_tests(metafunc):
    if "chance" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("storms")))


@pytest.fixture
def chance(seed):
    return random.Random(seed)


@pytest.fixture
def story(ada, eve, receiver):
    return storms.a_story(ada, eve, receiver)


def moments(story, chance, count):
    """When to strike, in messages received: while there is still much to come."""
    return sorted(chance.sample(range(1, NOTES * len(story.wanted) // 2), count))


def all_is_delivered(database):
    return all(lane.ready_at is None and lane.cursor_seq >= lane.wake_seq for lane in rows(database, Lane))


def expect_everything_received(database, client, story, receiver, written):
    """What was written is recorded once, and what is recorded was received in its order by all whom it concerns."""
    recorded = storms.recorded(client)
    assert sorted(text for _, text in recorded) == sorted(written)
    for path in story.wanted:
        assert storms.received(receiver, path) == story.texts_for(path, recorded)
    assert rows(database, Undelivered) == []
    assert {lane.lease_owner for lane in rows(database, Lane)} == {None}


def test_killing_processes_at_any_moment_loses_nothing(kind, database, settings, ada, story, receiver, chance):
    url, serve = storms.serve_words()
    key = ada.headers["authorization"].removeprefix("Bearer ")
    written = [f"note {number}" for number in range(NOTES)]
    strikes = moments(story, chance, STRIKES)

    with storms.running(settings, serve, *([["work"], ["work"]] if kind == "postgresql" else [])) as processes:

        def kill_one(chance):
            process = chance.choice(processes)
            process.kill()
            process.start()

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(storms.write, url, key, story, written, random.Random(chance.random()))
            storms.calamities(receiver, chance, strikes, kill_one)
            writing.result()
        wait_until(lambda: len(storms.recorded(ada)) == NOTES and all_is_delivered(database), storms.PATIENCE_SECONDS)

    expect_everything_received(database, ada, story, receiver, written)


@on_postgresql
def test_connections_cut_while_they_commit_lose_nothing(database, settings, ada, story, receiver, chance):
    url, serve = storms.serve_words()
    key = ada.headers["authorization"].removeprefix("Bearer ")
    written = [f"note {number}" for number in range(NOTES)]
    strikes = moments(story, chance, STRIKES)

    def cut_all(_):
        with database.engine.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with (
        Network(settings.database_url, chance, share=0.05, most=CUTS) as network,
        storms.running(settings, serve, ["work"], ["work"], database_url=network.url) as processes,
    ):
        for process in processes:
            process.wait_until_at_work()
        network.breaks = True
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(storms.write, url, key, story, written, random.Random(chance.random()))
            storms.calamities(receiver, chance, strikes, cut_all)
            writing.result()
        wait_until(lambda: all_is_delivered(database), storms.PATIENCE_SECONDS)

    assert min(network.unheard, network.unanswered) > CUTS // 6
    expect_everything_received(database, ada, story, receiver, written)


def test_a_worker_frozen_past_its_lease_changes_nothing_when_it_wakes(database, settings, ada, eve, receiver):
    demand = a_demand(ada)
    hook = receiver.script("/hook", "204", "waits-for-a-word", "204")
    webhook = a_webhook(eve, hook, types=["demand.update_added"])
    note(ada, demand["ref"], "before")

    with storms.running(settings, ["work"]) as [frozen]:
        receiver.wait_for(1, storms.PATIENCE_SECONDS)
        note(ada, demand["ref"], "first")
        receiver.wait_for(2, storms.PATIENCE_SECONDS)
        frozen.freeze(database)
        receiver.say(410)  # to the one who does not listen
        with storms.running(settings, ["work"]) as [other]:
            receiver.wait_for(3, storms.PATIENCE_SECONDS)
            note(ada, demand["ref"], "second")
            receiver.wait_for(4, storms.PATIENCE_SECONDS)
            wait_until(lambda: all_is_delivered(database), storms.PATIENCE_SECONDS)
            frozen.wake()
            assert other.stop() == 0
        note(ada, demand["ref"], "third")
        receiver.wait_for(5, storms.PATIENCE_SECONDS)
        wait_until(lambda: all_is_delivered(database), storms.PATIENCE_SECONDS)
        assert frozen.stop() == 0

    assert texts(receiver.requests) == ["before", "first", "first", "second", "third"]
    first, again = receiver.requests[1:3]
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert [attempt.status for attempt in rows(database, Attempt)] == [204] * 4
    assert eve.get(f"{API}/webhooks/{webhook['id']}").json()["state"] == State.ACTIVE
