"""What a webhook's contact is mailed when its endpoint is in trouble: what fails, since when, and what to do."""

import datetime
import uuid
from collections.abc import Mapping
from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from app import clock
from app.database import settings_of
from app.mail import outbox
from app.mail.letters import Letter, Passage
from app.mail.outbox import Claimed
from app.mail.posting import Writer
from app.vault import Vault, open_vault
from app.webhooks.answers import Failure, Outcome
from app.webhooks.models import GIVE_UP_AFTER, Attempt, Lane, State, Webhook

FAILING, DISABLED = "webhook.failing", "webhook.disabled"
QUOTING = {Failure.REDIRECT, Failure.PROTOCOL, Failure.REQUEST}  # what is said of them has words of the endpoint in it
PAUSE = datetime.timedelta(hours=20)  # a day, less what retries vary by: it is told after one hour and after 24
A_DAY = datetime.timedelta(days=1)
LETTERS_A_DAY = 3  # to one address, of however many webhooks it is the contact


def put(session: Session, kind: str, webhook: Webhook) -> None:
    """Into the outbox, where there is somebody to tell who was not told lately: the address may be a stranger's."""
    now = clock.now()
    if webhook.contact_email is None or outbox.was_put_since(session, now - PAUSE, kind, about(webhook.id)):
        return
    to = open_vault(settings_of(session)).stamp("contact", webhook.contact_email.lower())
    if outbox.count_put_since(session, now - A_DAY, to) < LETTERS_A_DAY:
        outbox.put(session, kind, about(webhook.id), to=to)


def about(webhook_id: uuid.UUID) -> str:
    """What mails of the webhook are filed under."""
    return f"webhook:{webhook_id}"


def tell_of_failures(session: Session, vault: Vault, mail: Claimed) -> Letter | None:
    """None where it is well again, or rests."""
    webhook, lane = _found(session, mail)
    if webhook is None or lane is None or webhook.state is not State.ACTIVE or lane.first_fail_at is None:
        return None
    seconds = settings_of(session).webhook_timeout_seconds
    return _letter(
        session,
        webhook,
        f"Your webhook to {_host(webhook)} has been failing since {_told(lane.first_fail_at)}",
        [
            Passage(
                f"What is meant for it waits for up to {GIVE_UP_AFTER.days} days, and goes on by itself, in order, once"
                " the endpoint takes it again. If it never does, the webhook is disabled after five days."
            ),
            *_what_fails(session, webhook),
            Passage(
                f"It has to answer each message with a 2xx status, within {seconds:g} seconds. To try that, POST to the"
                " address below followed by /test. GET it followed by /attempts to see what was sent and answered, and"
                " by /health to see how it stands."
            ),
        ],
    )


def tell_of_disabling(session: Session, vault: Vault, mail: Claimed) -> Letter | None:
    """None where it was let go on since."""
    webhook, _ = _found(session, mail)
    if webhook is None or webhook.state is not State.DISABLED:
        return None
    return _letter(
        session,
        webhook,
        f"Your webhook to {_host(webhook)} was disabled",
        [
            Passage(f"{webhook.state_reason} Nothing is sent to it any more, and it keeps its place in the ledger."),
            *_what_fails(session, webhook),
            Passage(
                'When the endpoint is well again, PUT {"paused": false} to its address below followed by /paused: it'
                ' catches up with all that came meanwhile. With "from": "now" as well, it goes on without that.'
            ),
            Passage(
                "What was given up in all that time does not come by itself: GET the address followed by /undelivered"
                " to see it, and POST {} to it followed by /undelivered/retries to have it sent again."
            ),
        ],
    )


WRITERS: Mapping[str, Writer] = {FAILING: tell_of_failures, DISABLED: tell_of_disabling}


def _found(session: Session, mail: Claimed) -> tuple[Webhook | None, Lane | None]:
    webhook_id = uuid.UUID(mail.about.partition(":")[2])
    return session.get(Webhook, webhook_id), session.get(Lane, webhook_id)


def _letter(session: Session, webhook: Webhook, subject: str, passages: list[Passage]) -> Letter | None:
    if webhook.contact_email is None:
        return None
    address = f"{settings_of(session).base_url}/api/v1/webhooks/{webhook.id}"
    return Letter(
        to=webhook.contact_email,
        subject=subject,
        passages=[*passages, Passage("The webhook:", address)],
        closing=[Passage("You get this because you are the contact of this webhook; its contact_email says so.")],
    )


def _what_fails(session: Session, webhook: Webhook) -> list[Passage]:
    """The last attempt, in no words but ours: nobody is to be mailed what an endpoint or its owner has written."""
    failed = select(Attempt).where(Attempt.webhook_id == webhook.id, Attempt.outcome != Outcome.DELIVERED)
    last = session.exec(failed.order_by(col(Attempt.started_at).desc()).limit(1)).first()
    if last is None:
        return []
    what = f"it answered {last.status}" if last.status else f"no answer ({last.error})"
    detail = last.detail if last.error and last.error not in QUOTING else ""
    return [Passage(f"The last attempt, on {_told(last.started_at)}: {what}. {detail}".strip())]


def _host(webhook: Webhook) -> str:
    return urlsplit(webhook.url).hostname or "nowhere"


def _told(moment: datetime.datetime) -> str:
    return f"{moment:%d %B %Y, %H:%M} UTC"
