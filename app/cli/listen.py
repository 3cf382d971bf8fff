"""`demands listen`"""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import following, receiving
from app.cli.explaining import Refused
from app.settings import checked_base_url

OF_A_RECEIVER = {"port", "secret"}

cli = typer.Typer(rich_markup_mode=None, add_completion=False)

Words = Annotated[list[str] | None, typer.Option(metavar="SLUG", help="Repeat to mean either.")]


@cli.command()
def listen(
    context: typer.Context,
    url: Annotated[
        str, typer.Option(envvar="DEMANDS_BASE_URL", help="The tracker to listen to.")
    ] = "http://127.0.0.1:8000",
    key_file: Annotated[
        Path | None, typer.Option(help="A file with a key; without one, DEMANDS_KEY, or what is public.")
    ] = None,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="From there on; `0` is the beginning.")] = None,
    type: Annotated[list[str] | None, typer.Option(help="An event type, such as demand.status_changed.")] = None,
    campaign: Words = None,
    kind: Words = None,
    status: Words = None,
    group: Words = None,
    body: Words = None,
    issuer: Words = None,
    tag: Words = None,
    demand: Annotated[list[str] | None, typer.Option(metavar="REF", help="Such as NK-4; repeats.")] = None,
    disputed: Annotated[bool, typer.Option("--disputed", help="Of demands with contradicting evidence.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Of demands past their deadline.")] = False,
    stale: Annotated[bool, typer.Option("--stale", help="Of demands not checked for long.")] = False,
    no_response: Annotated[bool, typer.Option("--no-response", help="Of demands not answered for long.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print each event as it came, one JSON object a line.")] = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Receive webhooks on this port instead; 0 takes a free one."),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(metavar="whsec_…", envvar="DEMANDS_WEBHOOK_SECRET", help="Checks what --port receives."),
    ] = None,
) -> None:
    """Print events as they happen, one a line, until Ctrl-C.

    Comes back by itself where the connection breaks, and misses nothing. With --port and --secret it is a receiver of
    webhooks instead, which tells whether each was signed right: to see what one's own receiver should have seen.
    """
    _check_options(context, receives=port is not None)
    words: dict[str, Any] = {
        "types": type, "campaign": campaign, "kind": kind, "status": status, "group": group, "body": body,
        "issuer": issuer, "tag": tag, "demand": demand, "after": after and [after],
    }  # fmt: skip
    flags = {"disputed": disputed, "overdue": overdue, "stale": stale, "no_response": no_response}
    words |= {name: ["true"] for name, wanted in flags.items() if wanted}
    try:
        if port is not None:
            receiving.receive(port, receiving.checked_secret(secret))
        else:
            asked = {name: value for name, value in words.items() if value}
            following.follow(_checked(url), _key(key_file), asked, json)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _check_options(context: typer.Context, receives: bool) -> None:
    """None is to be typed in vain. What the environment says is for every call."""
    what = "this does nothing beside --port" if receives else "this does nothing without --port"
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and (name in OF_A_RECEIVER) != receives:
            raise typer.BadParameter(what, param_hint=f"--{name.replace('_', '-')}")


def _checked(url: str) -> str:
    try:
        return checked_base_url(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None


def _key(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get("DEMANDS_KEY") or None
    key = file.read_text().strip()
    if not key:
        raise Refused(f"There is no key in {file}.")
    return key
