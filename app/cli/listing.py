"""Lists: a table where somebody is looking, tab-separated lines with a heading where a script is."""

import datetime
import sys
from collections.abc import Iterable, Sequence

import typer
from rich.console import Console
from rich.table import Table


def show(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    words = [[_word(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(columns), *words]:
            typer.echo("\t".join(row))
        return
    table = Table(*(name.replace("_", " ") for name in columns), box=None)
    for row in words:
        table.add_row(*row)
    Console().print(table)


def _word(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime.datetime) else str(value)
