"""The commands on a test's database, in this process: `demands("keys", "list")`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import cli
from app.settings import Settings
from tests.cli import commands


@pytest.fixture
def demands(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    for name, value in commands.of(settings).items():
        monkeypatch.setenv(f"DEMANDS_{name.upper()}", str(value))
    monkeypatch.chdir(tmp_path)  # away from whatever .env the developer has

    def demands(*words: str | Path, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(cli, [str(word) for word in words], input=stdin, prog_name="demands")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return demands
