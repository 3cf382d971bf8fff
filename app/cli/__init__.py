"""The command line: a file per command, read only when it is called, so that `demands --help` is quick."""

import gc
import os
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "serve": "Serve the API, its documentation and the start page.",
    "work": "Deliver webhooks, send mail and keep time, beside any number of servers.",
    "migrate": "Make the database, or bring it to the newest shape.",
    "seed": "Load the first campaign, Nagorno-Karabakh.",
    "keys": "Create, list and revoke API keys.",
    "people": "Add the people whom keys belong to, list them, and end their access.",
    "listen": "Print events as they happen, or receive webhooks and check their signatures.",
    "webhooks": "See, try, replay and pause webhooks.",
    "follows": "Erase an address that follows by e-mail.",
    "verify": "Check the ledger's chain, and that its events give today's tables.",
    "backup": "Copy the database to a file, consistently, while it serves.",
    "restore": "Put a backup in the database's place.",
    "new-epoch": "Tell readers that the history before was restored from a backup.",
    "doctor": "Check settings, database, clock and ledger, and say how to mend them.",
}


class Commands(TyperGroup):
    """Loads a command when it is asked for, and explains the errors that can be expected."""

    def list_commands(self, context: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        command = typer.main.get_command(_module(name).cli)
        command.name = name
        return command

    def format_commands(self, context: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, context: Any) -> Any:
        try:
            return super().invoke(context)
        except Exception as error:
            explanation = _module("explaining").explained(error)
            if explanation is None:
                raise
            typer.echo(f"demands: {explanation}", err=True)
            raise typer.Exit(1) from error


cli = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
)


@cli.callback()
def demands() -> None:
    """Demand Tracker keeps account of what campaigns demand of institutions, and of what became of it.

    Settings come from the environment (DEMANDS_...) and from a file .env; the README lists them.

    Exit codes: 0 done, 1 refused or a problem found, 2 wrong usage.
    """


def main() -> None:
    os.umask(0o077)  # databases, keys and backups are for whoever runs this, and for nobody else on the machine
    cli(prog_name="demands")


def _module(command: str) -> Any:
    """Imported without looking for garbage, then or later: all of it stays, and looking would take a third longer."""
    gc.disable()
    try:
        return import_module(f"app.cli.{command.replace('-', '_')}")
    finally:
        gc.freeze()
        gc.enable()
