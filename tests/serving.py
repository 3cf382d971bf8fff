"""The real server as a process of its own, for as long as a block lasts."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

START_WITHIN_SECONDS = 60


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    """`demands serve` in the folder, ready; gives its URL, and stops it with SIGTERM."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--port", str(port), *options]
    root = Path(__file__).parent.parent
    given = {"PYTHONPATH": str(root), "DEMANDS_BASE_URL": url, **environment}
    log = folder / "serve.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **given}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_WITHIN_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx2.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"The server did not become ready:\n{log.read_text()}")
