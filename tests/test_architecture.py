"""The shape that the project keeps: where things are, how long they are, and who may know whom."""

import subprocess
from pathlib import Path

import pytest
from importlinter import cli

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {"app", "Dockerfile", "migrations", "pyproject.toml", "README.md", "seed", "tests"}
WRITTEN_BY_HAND = {".css", ".html", ".js", ".py"}
LONGEST = 320


def test_imports_point_one_way(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(cli, "_configure_logging", lambda verbose: None)  # it would silence every logger that is there

    assert cli.lint_imports(no_cache=True, no_logo=True) == cli.EXIT_STATUS_SUCCESS


def test_files_stay_short_enough_to_read_at_a_sitting():
    written = [path for path in (ROOT / "app").rglob("*") if path.suffix in WRITTEN_BY_HAND]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in written}

    assert lengths
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_the_top_level_holds_only_what_everyone_looks_for():
    if not (ROOT / ".git").exists():
        pytest.skip("only git knows which files belong to the project")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top_level = {path.partition("/")[0] for path in tracked.splitlines()}

    assert {name for name in top_level if not name.startswith(".")} <= TOP_LEVEL
