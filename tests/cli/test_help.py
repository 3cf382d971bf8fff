"""The commands explain themselves, and tell what they cannot do."""

import subprocess
import sys

import pytest

from app.cli import COMMANDS
from tests.databases import on_postgresql, on_sqlite


def test_the_help_names_every_command_and_loads_none():
    look = "import sys\nfrom app.cli import main\ntry:\n    main()\nfinally:\n    assert 'fastapi' not in sys.modules"
    shown = subprocess.run([sys.executable, "-c", look, "--help"], capture_output=True, text=True, check=True).stdout

    for command in COMMANDS:
        assert f"\n  {command} " in shown


@on_sqlite
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for(demands, command):
    shown = demands(command, "--help")

    assert shown.exit_code == 0
    assert f"Usage: demands {command}" in shown.stdout


@on_sqlite
def test_groups_of_commands_say_what_each_does(demands):
    for group in ("keys", "people"):
        shown = demands(group, "--help").stdout
        assert "create" in shown

    assert "standard output" in demands("keys", "create", "--help").stdout


@on_sqlite
@pytest.mark.parametrize("words", [["no-such-command"], ["keys", "create"], ["serve", "--port", "x"], ["backup"]])
def test_wrong_usage_ends_with_2(demands, words):
    assert demands(*words).exit_code == 2


@on_sqlite
def test_a_wrong_setting_is_named(demands, monkeypatch):
    monkeypatch.setenv("DEMANDS_BODY_LIMIT_BYTES", "many")

    refused = demands("keys", "list")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("demands: The setting DEMANDS_BODY_LIMIT_BYTES is wrong: ")


@on_postgresql
@pytest.mark.parametrize("url", ["postgresql://nobody:a-secret@127.0.0.1:1/none", "no-such-database://", "::"])
def test_a_database_that_cannot_be_had_is_said_in_two_lines_without_the_password(demands, monkeypatch, url):
    monkeypatch.setenv("DEMANDS_DATABASE_URL", url)

    refused = demands("keys", "list")

    assert refused.exit_code == 1
    assert "DEMANDS_DATABASE_URL" in refused.stderr
    assert "a-secret" not in refused.stderr
    assert len(refused.stderr.splitlines()) <= 2
