"""`python -m tests [pytest's arguments]` runs every test, on SQLite and on a PostgreSQL that it starts and stops."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack

from tests import postgres

PROCESSES = "3"  # on two cores: while one waits for sockets and for other processes, two compute


def main() -> int:
    with ExitStack() as stack:
        environment = dict(os.environ)
        # with it, every process would compile pytest's larger plugins anew, for seconds
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if "DEMANDS_TEST_DATABASE_URL" not in environment:
            environment["DEMANDS_TEST_DATABASE_URL"] = stack.enter_context(postgres.running())
        pytest = [sys.executable, "-m", "pytest", "-n", PROCESSES, "--dist", "loadgroup", *sys.argv[1:]]
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C ends pytest, which sums up; the server goes after it
        return subprocess.run(pytest, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
