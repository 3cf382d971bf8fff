"""`demands work`: a process that delivers what another recorded, and ends well when it is told to."""

import resource
import signal

import pytest

from tests.cli import commands
from tests.databases import on_sqlite
from tests.factories import a_demand
from tests.webhooks.deliveries import a_webhook, note
from tests.webhooks.receiver import Receiver


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_another_process_records_is_delivered_until_it_is_told_to_stop(settings, ada, eve, how):
    ref = a_demand(ada)["ref"]
    with Receiver() as receiver:
        a_webhook(eve, receiver.url(), types=["demand.update_added"])
        with commands.working(**commands.of(settings), webhook_allow_networks="127.0.0.0/8") as process:
            note(ada, ref)
            receiver.wait_for(1)
            process.send_signal(how)
            code = process.wait(timeout=20)

    assert code == 0


@on_sqlite
def test_it_needs_a_database_that_is_there(demands, monkeypatch, tmp_path):
    monkeypatch.setenv("DEMANDS_DATA_DIR", str(tmp_path / "new"))

    refused = demands("work")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "`demands migrate` makes it" in refused.stderr


@on_sqlite
def test_it_may_hold_as_many_connections_as_the_system_allows(settings, database):
    files = resource.RLIMIT_NOFILE
    soft, hard = resource.getrlimit(files)
    resource.setrlimit(files, (hard - 1, hard))
    try:
        with commands.working(**commands.of(settings)) as process:
            allowed = resource.prlimit(process.pid, files)
    finally:
        resource.setrlimit(files, (soft, hard))

    assert allowed == (hard, hard)
