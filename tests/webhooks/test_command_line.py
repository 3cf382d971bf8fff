"""`demands webhooks`, as an operator types it."""

import uuid

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.webhooks.models import Replay
from tests.factories import API, a_demand
from tests.webhooks.deliveries import a_webhook, delivering, note, rows


@pytest.fixture
def demands(settings, monkeypatch):
    """The command line on the test's database."""
    monkeypatch.setattr("app.cli.webhooks.Settings", lambda: settings)
    return lambda *words: CliRunner().invoke(cli, ["webhooks", *map(str, words)])


def test_the_list_tells_how_each_webhook_fares(app, ada, eve, receiver, demands):
    webhook = a_webhook(eve, receiver.url("/204"), types=["demand.update_added"])
    note(ada, a_demand(ada)["ref"])
    with delivering(app):
        receiver.wait_for(1)

    head, line = (line.split("\t") for line in demands("list").stdout.splitlines())

    told = dict(zip(head, line, strict=True))
    assert (told["id"], told["organization"], told["url"]) == (webhook["id"], "eve-org", webhook["url"])
    assert (told["state"], told["success_rate"], told["lag_events"], told["undelivered"]) == ("active", "1.0", "0", "0")


def test_the_list_shows_one_organizations_webhooks_and_those_in_some_states(ada, eve, demands):
    _, active, paused = (
        a_webhook(client, "http://127.0.0.1:9999/", paused=rests)["id"]
        for client, rests in ((ada, True), (eve, False), (eve, True))
    )

    def listed(*words):
        return [line.partition("\t")[0] for line in demands("list", *words).stdout.splitlines()[1:]]

    assert listed("--organization", "eve-org") == [paused, active]
    assert listed("--organization", "eve-org", "--state", "paused", "--state", "disabled") == [paused]
    assert "there is no organization nobody" in demands("list", "--organization", "nobody").stderr


def test_a_test_prints_the_answer(eve, receiver, demands):
    good, bad = (a_webhook(eve, receiver.url(path))["id"] for path in ("/hello", "/500"))

    through, refused = demands("test", good), demands("test", bad)

    assert (through.exit_code, refused.exit_code) == (0, 1)
    assert through.stdout.startswith("200 OK after ")
    assert through.stdout.endswith("Hello\n")
    assert "500 Internal Server Error" in refused.stderr


def test_a_replay_is_begun(database, eve, demands):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")["id"]

    begun = demands("replay", webhook, "--from-seq", 1)

    assert begun.exit_code == 0, begun.output
    assert [str(replay.id) for replay in rows(database, Replay)] == [begun.stdout.strip()]


def test_a_replay_of_some_types_is_begun(database, eve, demands):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")["id"]

    begun = demands("replay", webhook, "--from-seq", 1, "--type", "demand.cited", "--type", "demand.published")
    mistyped = demands("replay", webhook, "--from-seq", 1, "--type", "demand.dreamt_of")

    assert begun.exit_code == 0, begun.output
    assert [replay.types for replay in rows(database, Replay)] == [["demand.cited", "demand.published"]]
    assert mistyped.exit_code == 2
    assert "demand.dreamt_of" in mistyped.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--from-seq", 99_999], "--from-seq: the ledger has not come that far"),
        (["--since", "2099-01-01T00:00:00Z"], "--since: the ledger has not come that far"),
        (["--since", "yesterday"], "--since: write it as 2022-12-10T09:30:00Z"),
        (["--from-seq", 2, "--to-seq", 1], "--to-seq: this lies before the beginning"),
        (["--from-seq", 1, "--type", "nope"], "--type: there is no event type nope"),
    ],
)
def test_a_stretch_that_cannot_be_is_wrong_usage_of_an_option(database, eve, demands, words, told):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")["id"]

    refused = demands("replay", webhook, *words)

    assert refused.exit_code == 2
    assert told in refused.stderr
    assert rows(database, Replay) == []


@pytest.mark.parametrize(
    ("beginnings", "told"),
    [([], "say where to begin"), (["--from-seq", 1, "--since", "2024-01-01"], "since and from_seq, not both")],
)
def test_a_replay_needs_one_beginning(eve, demands, beginnings, told):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")["id"]

    refused = demands("replay", webhook, *beginnings)

    assert refused.exit_code == 2
    assert told in refused.stderr


def test_whoever_mistypes_where_a_webhook_goes_on_is_told_all_that_is_allowed(eve, demands):
    webhook = a_webhook(eve, "http://127.0.0.1:9999/")["id"]

    refused = demands("pause", webhook, "--resume", "tomorrow")

    assert refused.exit_code == 2
    for allowed in ("catch_up", "now", "2022-12-10T09:30:00Z"):
        assert allowed in refused.stderr


def test_a_webhook_is_paused_and_goes_on(eve, demands):
    url = f"{API}/webhooks/{a_webhook(eve, 'http://127.0.0.1:9999/')['id']}"
    webhook = url.rpartition("/")[2]

    assert demands("pause", webhook).exit_code == 0
    assert eve.get(url).json()["state"] == "paused"
    assert demands("pause", webhook, "--resume", "whenever").exit_code != 0
    assert demands("pause", webhook, "--resume", "now").exit_code == 0
    assert eve.get(url).json()["state"] == "active"


def test_a_webhook_that_is_not_there_is_said_in_a_line(demands):
    for command in ("test", "pause"):
        refused = demands(command, uuid.uuid4())

        assert refused.exit_code == 1
        assert "There is no webhook" in refused.stderr
