"""The README tells the truth."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.readme import PLACE, README, settings_table, tour
from tests.serving import free_port, serving

ROOT = Path(__file__).parent.parent


def test_the_table_of_settings_is_the_settings() -> None:
    table = PLACE.search(README.read_text())

    assert table
    assert table.group() == settings_table(), "run `uv run python -m tests.readme`"


def test_the_tour_works_when_pasted(tmp_path: Path) -> None:
    receiver = free_port()

    with serving(tmp_path, "--demo", DEMANDS_WEBHOOK_ALLOW_NETWORKS="127.0.0.0/8") as url:
        commands = tour().replace("http://127.0.0.1:8000", url).replace("9000", str(receiver))
        told = _paste(commands.replace("uv run python", sys.executable), tmp_path)

    assert '"ref":"NK-20"' in told
    assert "There is no demand NK-20." in told, "a draft is nobody's business yet"
    assert re.search(r"Became in progress on 2024-02-10", told)
    assert (tmp_path / "received.txt").read_text() == (
        "demand.status_changed NK-20 is now in_progress because OCHA announced the dates and sent a team.\n"
    )


def _paste(commands: str, folder: Path) -> str:
    """What a shell prints that is given the commands; it stops at the first that fails."""
    shell = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-m"],
        input=commands,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shell.returncode == 0, shell.stdout + shell.stderr
    return shell.stdout
