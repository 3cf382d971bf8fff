"""The change feed: everything, once, in order, from a cursor on; and nothing that is not for the reader."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from unittest.mock import Mock

import pytest
from sqlalchemy import update

from app import ledger
from app.accounts.actor import system
from app.changes import feed
from app.fields import Audience
from app.ledger.models import Head
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
)

EVENTS = f"{API}/events"
SOON = 10  # seconds that nothing here should need


def page(client, **query):
    answer = client.get(EVENTS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def items(client, **query):
    return page(client, limit=200, **query)["items"]


def types(client, **query):
    return [event["type"] for event in items(client, **query)]


def cursor(client):
    """Where the ledger ends."""
    return page(client, limit=200)["next_cursor"]


@pytest.mark.parametrize("beginning", ["", "0"])
def test_the_feed_begins_at_the_beginning_and_tells_everything_in_order(ada, client, beginning):
    kind = a_kind(ada)

    answer = page(client, after=beginning)

    assert [event["seq"] for event in answer["items"]] == sorted(event["seq"] for event in answer["items"])
    last = answer["items"][-1]
    assert set(last) == {"seq", "id", "type", "recorded_at", "actor", "campaign", "demand", "audience", "data"}
    assert (last["type"], last["data"]) == ("kind.created", {"kind": kind})
    assert last["recorded_at"].endswith("Z")
    assert answer["head"] == ada.get(f"{API}/ledger").json()["seq"]


def test_following_the_cursor_gives_every_event_once(ada):
    a_demand(ada, status="met")
    whole = items(ada)

    found, after = [], ""
    while True:
        answer = page(ada, after=after, limit=2)
        if not answer["items"]:
            break
        assert len(answer["items"]) <= 2
        found += answer["items"]
        after = answer["next_cursor"]

    assert found == whole
    assert answer["next_cursor"] == after


def test_it_can_begin_with_what_comes_next(ada):
    a_demand(ada)
    here = ada.get(f"{API}/events", params={"after": "now"}).json()
    a_campaign(ada, slug="new")

    new = ada.get(f"{API}/events", params={"after": here["next_cursor"]}).json()["items"]

    assert here["items"] == []
    assert [event["type"] for event in new] == ["campaign.created"]


def test_where_nothing_is_new_the_cursor_stays(client):
    start = page(client)

    again = page(client, after=start["next_cursor"])

    assert (again["items"], again["next_cursor"]) == ([], start["next_cursor"])


def test_the_cursor_goes_past_what_the_reader_may_not_see(ada, client):
    before = cursor(client)
    hidden = a_draft(ada, campaign=a_campaign(ada)["slug"])["ref"]
    for _ in range(3):
        change(ada, hidden, "in_progress")
        change(ada, hidden, "stalled")

    answer = page(client, after=before, limit=200)

    assert {event["type"] for event in answer["items"]}.isdisjoint({"demand.created", "demand.status_changed"})
    assert answer["next_cursor"] == cursor(ada)
    assert page(client, after=answer["next_cursor"])["items"] == []


def test_a_page_is_filled_with_what_the_reader_may_see(ada, client):
    for number in range(4):
        a_source(ada, slug=f"hidden-{number}", audience="staff")
        a_source(ada, slug=f"shown-{number}")

    first = page(client, types="source.created", limit=3)
    rest = page(client, types="source.created", limit=3, after=first["next_cursor"])

    told = [[event["data"]["source"]["slug"] for event in answer["items"]] for answer in (first, rest)]
    assert told == [["shown-0", "shown-1", "shown-2"], ["shown-3"]]


def test_a_cursor_of_an_older_epoch_says_where_to_start_again(ada, client, database):
    a_kind(ada)
    old = cursor(client)

    with database.engine.begin() as connection:
        connection.execute(update(Head).values(epoch="0" * 32))
    refused = client.get(EVENTS, params={"after": old})

    assert (refused.status_code, refused.json()["type"]) == (410, "/problems/gone")
    start = refused.json()["start_again_at"]
    assert page(client, after=start)["items"] == []
    a_kind(ada)
    assert types(client, after=start) == ["kind.created"]


def test_a_cursor_from_beyond_the_end_is_of_a_history_that_was_undone(ada, client, database):
    a_kind(ada)
    ahead = cursor(client)

    with database.engine.begin() as connection:
        connection.execute(update(Head).values(seq=0))
    refused = client.get(EVENTS, params={"after": ahead})

    assert refused.status_code == 410


@pytest.mark.parametrize(
    "foreign",
    ["1", "-1", "x", "abc-1", "0123456789ab-", "0123456789ab--1", "0123456789ab-1.5", "0123456789ab-²", "é-1"],
)
def test_what_is_no_cursor_of_this_feed_is_refused_and_named(client, foreign):
    answer = client.get(EVENTS, params={"after": foreign})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
    assert "query.after" in answer.json()["detail"]


def test_a_cursor_of_a_list_is_not_one_of_the_feed(ada, client):
    a_kind(ada)
    a_kind(ada)
    of_a_list = client.get(f"{API}/kinds", params={"limit": 1}).json()["next_cursor"]

    assert client.get(EVENTS, params={"after": of_a_list}).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"wait": -1},
        {"wait": 31},
        {"wait": "nan"},
        {"types": "Nonsense"},
        {"types": "no.such"},
        {"demand": "not-a-ref"},
        {"campaign": "Not a slug"},
        {"colour": "red"},
        {"campaign": "no-such"},
        {"kind": "no-such"},
        {"body": "no-such"},
        {"issuer": "no-such"},
        {"status": "no-such"},
        {"group": "no-such"},
        {"disputed": "maybe"},
        {"types": "demand.created"},
    ],
)
def test_a_wrong_word_is_refused_and_named(client, query):
    answer = client.get(EVENTS, params=query)

    assert answer.status_code == 422
    assert f"query.{next(iter(query))}" in answer.json()["detail"]


def test_filters_repeat_to_mean_either_and_narrow_together(ada, client):
    first, second, third = (a_demand(ada) for _ in range(3))
    change(ada, first["ref"], "in_progress")

    def told(**query):
        return [(event["demand"], event["type"]) for event in items(client, **query)]

    assert told(demand=[first["ref"], second["ref"]], types="demand.published") == [
        (first["ref"], "demand.published"),
        (second["ref"], "demand.published"),
    ]
    assert told(types=["demand.status_changed", "demand.published"], demand=first["ref"]) == [
        (first["ref"], "demand.published"),
        (first["ref"], "demand.status_changed"),
    ]
    assert told(campaign=third["campaign"]) == [(None, "campaign.created"), (third["ref"], "demand.published")]
    assert told(campaign=third["campaign"], demand=first["ref"]) == []


def test_every_word_of_the_list_of_demands_narrows_the_feed(ada, client):
    above = a_body(ada)["slug"]
    below = a_body(ada, parent=above)["slug"]
    issuer = an_organization(ada)["slug"]
    wanted = a_demand(ada, targets=[{"body": below, "role": "decides"}], issuers=[issuer], tags=["health"])
    other = a_demand(ada)
    change(ada, wanted["ref"], "in_progress")
    change(ada, other["ref"], "met")

    def changed(**query):
        return [event["demand"] for event in items(client, types="demand.status_changed", **query)]

    for words in (
        {"campaign": wanted["campaign"]},
        {"kind": wanted["kind"]},
        {"body": above},
        {"issuer": issuer},
        {"tag": "health"},
        {"demand": wanted["ref"]},
        {"status": "in_progress"},
        {"group": "moving"},
    ):
        assert changed(**words) == [wanted["ref"]], words
    assert changed(body=above, status="met") == []
    assert changed(status=["met", "in_progress"], disputed="false") == [wanted["ref"], other["ref"]]
    assert changed(disputed="true") == []


def test_the_cursor_goes_past_what_the_filters_leave_out(ada, client):
    a_kind(ada)
    a_kind(ada)

    answer = page(client, types="source.created")

    assert (answer["items"], answer["next_cursor"]) == ([], cursor(client))


def test_the_feed_can_end_before_its_end(ada, client):
    start = cursor(client)
    kinds = [a_kind(ada) for _ in range(4)]
    first = page(client, after=start)["items"][0]["seq"]

    some, rest = page(client, after=start, to_seq=first + 2, limit=2), page(client, after=start, to_seq=first + 2)

    assert [event["seq"] for event in some["items"]] == [first, first + 1]
    assert [event["seq"] for event in rest["items"]] == [first, first + 1, first + 2]
    assert page(client, after=rest["next_cursor"])["items"][0]["data"] == {"kind": kinds[3]}
    assert page(client, after=some["next_cursor"], to_seq=first) == {
        "items": [],
        "next_cursor": some["next_cursor"],
        "head": first + 3,
    }
    assert client.get(EVENTS, params={"to_seq": 0}).status_code == 422


def test_nobody_waits_for_what_can_only_come_after_the_end_that_was_asked_for(client, ada):
    a_source(ada, audience="staff")
    end = client.get(f"{API}/ledger").json()["seq"]

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(page, client, after=cursor(client), to_seq=end, wait=30).result(timeout=SOON)

    assert answer["items"] == []


def test_there_is_no_waiting_where_there_is_something(ada, client):
    a_kind(ada)

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(page, client, wait=30).result(timeout=SOON)

    assert answer["items"]


def test_waiting_ends_when_its_time_is_over(client):
    start = cursor(client)

    began = time.monotonic()
    answer = page(client, after=start, wait=0.3)

    assert time.monotonic() - began >= 0.3
    assert (answer["items"], answer["next_cursor"]) == ([], start)


def test_a_commit_wakes_whoever_waits(ada, client, app, monkeypatch):
    monkeypatch.setattr("app.changes.waiting.LOOK_EVERY_SECONDS", 60)  # nobody looks without being woken

    with waiting(app, client, ada) as answers:
        a_kind(ada)

        told = [event["type"] for event in answers.result(timeout=SOON).json()["items"]]

    assert told == ["kind.created"]


def test_what_others_see_keeps_a_reader_waiting(ada, client, app, monkeypatch):
    monkeypatch.setattr("app.changes.waiting.LOOK_EVERY_SECONDS", 60)

    with waiting(app, client, ada) as answers:
        a_source(ada, audience="staff")
        until(lambda: app.state.lookout.waiting)  # it was woken, saw nothing, and waits again
        assert not answers.done()
        a_kind(ada)

        answer = answers.result(timeout=SOON).json()

    assert [event["type"] for event in answer["items"]] == ["kind.created"]


def test_what_another_process_commits_is_found_while_waiting(ada, client, app, settings):
    elsewhere = ledger.open_database(settings)

    with waiting(app, client, ada) as answers:
        with elsewhere.write() as session:
            about = ledger.About(keys=["kind:x"])
            ledger.record(session, system("tests"), "kind.revised", about, audience=Audience.PUBLIC, kind={})
        answer = answers.result(timeout=SOON).json()
    elsewhere.dispose()

    assert [event["type"] for event in answer["items"]] == ["kind.revised"]


def test_a_key_that_is_revoked_opens_nothing_to_whoever_waits_with_it(ada, client_for, app):
    admin = client_for("admin")
    made = admin.post(f"{API}/keys", json={"role": "partner", "organization": "ada-org"}).json()
    asking = {"Authorization": f"Bearer {made['key']}"}

    with waiting(app, ada, ada, headers=asking) as answers:
        admin.delete(f"{API}/keys/{made['id']}")
        a_demand(ada, audience="partners")

        answer = answers.result(timeout=SOON)

    assert (answer.status_code, answer.json()["detail"]) == (401, "This key was revoked.")


def test_who_waits_sees_no_more_than_their_organization_does_by_then(ada, eve, client_for, app):
    with waiting(app, eve, ada, types="demand.published") as answers:
        lowered = client_for("admin").patch(
            f"{API}/organizations/eve-org", json={"reads": "public"}, headers={"If-Match": "*"}
        )
        a_demand(ada, audience="partners")
        shown = a_demand(ada)["ref"]

        answer = answers.result(timeout=SOON)

    assert lowered.status_code == 200
    assert [event["demand"] for event in answer.json()["items"]] == [shown]


def test_many_can_wait_and_all_are_told(ada, client, app, monkeypatch):
    monkeypatch.setattr("app.changes.waiting.LOOK_EVERY_SECONDS", 60)
    start = cursor(ada)

    with ThreadPoolExecutor(30) as pool:
        answers = [pool.submit(page, client, after=start, wait=30) for _ in range(30)]
        until(lambda: len(app.state.lookout.waiting) == 30)
        a_kind(ada)
        told = [[event["type"] for event in answer.result(timeout=SOON)["items"]] for answer in answers]

    assert told == [["kind.created"]] * 30
    assert app.state.lookout.waiting == {}


def test_those_who_wait_read_nothing_while_nothing_happens(ada, client, app, monkeypatch):
    monkeypatch.setattr("app.changes.waiting.LOOK_EVERY_SECONDS", 0.01)
    start = cursor(ada)
    read, look = Mock(wraps=feed.read), Mock(wraps=app.state.lookout.look)
    monkeypatch.setattr(feed, "read", read)
    monkeypatch.setattr(app.state.lookout, "look", look)

    with ThreadPoolExecutor(5) as pool:
        answers = [pool.submit(page, client, after=start, wait=30) for _ in range(5)]
        until(lambda: len(app.state.lookout.waiting) == 5)
        look.reset_mock()
        until(lambda: look.call_count > 20)

        assert read.call_count == 5
        a_kind(ada)
        assert all(answer.result(timeout=SOON)["items"] for answer in answers)


def test_nobody_waits_for_a_client_that_has_hung_up(ada, app, live):
    host, port = live.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port))) as client:
        client.sendall(f"GET {EVENTS}?after={cursor(ada)}&wait=30 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        until(lambda: app.state.lookout.waiting)

    until(lambda: not app.state.lookout.waiting)


@contextmanager
def waiting(app, client, staff, headers=None, **query):
    """The answer to come of a client that waits for what is next."""
    query |= {"after": cursor(staff), "wait": 30}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.get, EVENTS, params=query, headers=headers)
        until(lambda: app.state.lookout.waiting)
        yield answer


def until(condition):
    """Give way to others until it is so."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("That never came.")
