"""The command `demands` as people and scripts run it: in a process of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from app.settings import Settings

DEMANDS = Path(sys.executable).with_name("demands")
FIRST_WORDS = "Demand Tracker serves on "


@dataclass
class Server:
    """A `demands serve` that is running, and what it said before it was ready."""

    process: subprocess.Popen[str]
    url: str
    said: str

    def get(self, path: str, key: str | None = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx2.get(f"{self.url}{path}", headers=headers, timeout=60)  # a process may still be starting

    @property
    def demo_key(self) -> str:
        found = re.search(r"dt_\w+", self.said)
        assert found, self.said
        return found[0]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


@contextmanager
def serving(*options: str, **settings: Any) -> Iterator[Server]:
    """Started on a free port, ready when the block begins, and gone when it ends."""
    process = subprocess.Popen(
        [DEMANDS, "serve", "--port", "0", *options],
        env=environment(**settings),
        cwd=settings.get("data_dir"),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith(FIRST_WORDS):
                break
        try:
            assert FIRST_WORDS in said, said
            yield Server(process, said.splitlines()[-1].removeprefix(FIRST_WORDS).split()[0], said)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and the processes that it has started


@contextmanager
def working(**settings: Any) -> Iterator[subprocess.Popen[str]]:
    """`demands work`, at work when the block begins, and gone when it ends."""
    process = subprocess.Popen([DEMANDS, "work"], env=environment(**settings), stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "Working (Ctrl-C stops it).\n"
            yield process
        finally:
            process.kill()


def run(*words: str | Path, stdin: str = "", **settings: Any) -> subprocess.CompletedProcess[str]:
    """`demands WORDS …`, to its end."""
    return subprocess.run(
        [DEMANDS, *words], env=environment(**settings), input=stdin, capture_output=True, text=True, check=False
    )


def environment(**settings: Any) -> dict[str, str]:
    """This process's environment with the settings in it, as `data_dir=…`."""
    return {**os.environ, **{f"DEMANDS_{name.upper()}": str(value) for name, value in settings.items()}}


def of(settings: Settings) -> dict[str, Any]:
    """The settings of a test's database, for a command in another process."""
    return {"data_dir": settings.data_dir, "database_url": settings.database_url}
