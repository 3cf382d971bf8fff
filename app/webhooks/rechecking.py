"""Whether a message may still be sent that was prepared some time ago: its connection took long to come about."""

from app.database import Database
from app.webhooks.messages import Message
from app.webhooks.models import Lane
from app.webhooks.preparing import Run, prepare


def still_holds(database: Database, run: Run, message: Message, api_url: str) -> bool:
    """Whether the lane is still lent to us and, prepared at this moment, has the same message for the same endpoint."""
    lease = run.lane.lease
    with database.read() as session:
        if not lease.holds(session.get(Lane, lease.webhook_id)):
            return False
        return any(_says_the_same(anew, run, message) for anew in prepare(session, [run.lane], api_url))


def _says_the_same(anew: Run, run: Run, message: Message) -> bool:
    messages = anew.messages + (anew.again.messages if anew.again else [])
    return message in messages and _endpoint(anew) == _endpoint(run)


def _endpoint(run: Run) -> tuple[str, list[bytes], dict[str, str]]:
    return run.url, run.sealed_secrets, run.sealed_headers
