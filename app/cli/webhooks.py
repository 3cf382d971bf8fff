"""`demands webhooks`"""

import asyncio
import uuid
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from app.cli import listing
from app.cli.explaining import Refused, checked, typed
from app.cli.opening import COMMAND_LINE, opened
from app.paging import MAX_LIMIT
from app.settings import Settings
from app.vault import open_vault
from app.webhooks import inspecting, pausing, probing, queries, replaying
from app.webhooks.answers import Outcome
from app.webhooks.models import State
from app.webhooks.names import Names
from app.webhooks.reports import HealthQuery
from app.webhooks.schemas import Pause, ReplayNew, WebhookQuery, WebhookRead

COLUMNS = ("id", "organization", "state", "success_rate", "lag_events", "undelivered", "failing_since", "url")
STARTS = "catch_up, now, or a time such as 2022-12-10T09:30:00Z"
WebhookId = Annotated[uuid.UUID, typer.Argument(help="As the list shows it.")]

cli = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, help="See, try, replay and pause webhooks."
)


@cli.command("list")
def list_(
    organization: Annotated[str | None, typer.Option(metavar="SLUG", help="Only this organization's.")] = None,
    state: Annotated[list[State] | None, typer.Option(help="Only those; repeat to mean either.")] = None,
) -> None:
    """Show webhooks, newest first, and how they fare; as tab-separated lines where no terminal is.

    One that is failing may be well, and refuse what it is sent: what it refused is counted as undelivered.
    """
    rows = []
    wanted = checked(WebhookQuery, organization=organization, state=state or [], limit=MAX_LIMIT)
    with typed(), opened(Settings()) as database, database.read() as session:
        for webhook in _all(session, wanted):
            health = inspecting.read_health(session, COMMAND_LINE, webhook.id, HealthQuery())
            told = {**health.model_dump(), **webhook.model_dump()}
            rows.append([told[name] for name in COLUMNS])
    listing.show(COLUMNS, rows)


@cli.command()
def test(webhook: WebhookId) -> None:
    """Send a signed webhook.test now, and print the answer; 1 unless it got through."""
    settings = Settings()
    with opened(settings) as database:
        sent = probing.send_test(database, open_vault(settings), settings, Names(), COMMAND_LINE, webhook)
        answer = asyncio.run(sent)
    if answer.outcome is not Outcome.DELIVERED:
        raise Refused(f"{answer.detail}\n{answer.response_body}".strip())
    typer.echo(f"{answer.detail} after {answer.duration_ms} ms\n{answer.response_body}".strip())


@cli.command()
def replay(
    webhook: WebhookId,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="A day, or such as 2022-12-10T09:30:00Z.")] = None,
    from_seq: Annotated[int | None, typer.Option(help="A place in the ledger, instead of a time.")] = None,
    to_seq: Annotated[int | None, typer.Option(help="Up to there; else all that was delivered so far.")] = None,
    type: Annotated[list[str] | None, typer.Option(help="Only events of this type; repeat to mean either.")] = None,
    only_undelivered: Annotated[bool, typer.Option(help="Only what was given up.")] = False,
) -> None:
    """Have a worker send all that the webhook wants from there on, be it sent before or not. Prints the replay's id."""
    beginning: dict[str, object] = {"since": since, "from_seq": from_seq}
    new = checked(ReplayNew, **beginning, to_seq=to_seq, types=type or [], only_undelivered=only_undelivered)
    with typed(), opened(Settings()) as database, database.write() as session:
        made = replaying.create_replay(session, COMMAND_LINE, webhook, new)
    typer.echo(str(made.id))


@cli.command()
def pause(
    webhook: WebhookId,
    resume: Annotated[str | None, typer.Option(metavar="FROM", help=f"Let it go on instead, from {STARTS}.")] = None,
) -> None:
    """Let a webhook rest; what happens meanwhile is kept for it."""
    wish = Pause(paused=True) if resume is None else _going_on(resume)
    with opened(Settings()) as database, database.write() as session:
        paused = pausing.pause_webhook(session, COMMAND_LINE, webhook, wish)
    typer.echo(f"The webhook is {paused.state.value}.", err=True)


def _going_on(start: str) -> Pause:
    try:
        return Pause.model_validate({"paused": False, "from": start})
    except ValidationError:
        raise typer.BadParameter(f"--resume takes {STARTS}, not {start}") from None


def _all(session: Any, wanted: WebhookQuery) -> list[WebhookRead]:
    page = queries.list_webhooks(session, COMMAND_LINE, wanted)
    webhooks = page.items
    while page.next_cursor:
        page = queries.list_webhooks(session, COMMAND_LINE, wanted.model_copy(update={"cursor": page.next_cursor}))
        webhooks += page.items
    return webhooks
