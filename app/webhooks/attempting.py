"""What an attempt adds to the work on its lane."""

import datetime

from app import clock
from app.webhooks.answers import Answer, Outcome, outcome_of
from app.webhooks.lanes import Work
from app.webhooks.messages import Message
from app.webhooks.models import Reason, Tried, Undelivered


def note(work: Work, message: Message, started_at: datetime.datetime, answer: Answer) -> Outcome | None:
    """What the log will say of it; None where the lane must stop at this message."""
    outcome = outcome_of(answer)
    work.attempts.append(
        Tried(
            webhook_id=work.lease.webhook_id,
            event_id=message.event_id,
            seq=message.seq,
            started_at=started_at,
            duration_ms=answer.duration_ms,
            outcome=outcome,
            status=answer.status,
            error=answer.error,
            detail=answer.detail,
            remote_address=answer.remote_address,
            request_headers=answer.request_headers,
            response_headers=answer.response_headers,
            response_body=answer.response_body,
        )
    )
    if outcome in {Outcome.RETRY, Outcome.GONE}:
        work.retry_after_seconds = answer.retry_after_seconds
        return None
    if outcome is Outcome.REJECTED:
        work.set_aside.append(
            Undelivered(
                webhook_id=work.lease.webhook_id,
                seq=message.seq,
                event_id=message.event_id,
                reason=Reason.REJECTED,
                set_aside_at=clock.now(),
            )
        )
    return outcome
