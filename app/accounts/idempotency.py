"""`Idempotency-Key`: the same request again gets the first answer again, and is done once.

The answer is stored in the transaction that it answers for, so that neither exists without the other
(draft-ietf-httpapi-idempotency-key-header-07).
"""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from app import clock
from app.accounts.clients import client_of, client_stamp
from app.accounts.current import CurrentActor, Db
from app.accounts.models import Answer
from app.database import Database
from app.fields import utc
from app.problems import Conflict, Invalid
from app.vault import LostSecret, Vault


class AnswerGone(Conflict):
    """This was done before, and its answer is not there to be repeated"""

    type = "answer-gone"


class Once:
    """A write that happens once per Idempotency-Key; without the header it is a plain write."""

    def __init__(self, database: Database, vault: Vault, who: str, key: str | None, fingerprint: str) -> None:
        self._database = database
        self._vault = vault
        self._who = who
        self._key = key
        self._fingerprint = fingerprint

    def create(
        self,
        action: Callable[[Session], BaseModel],
        headers: Callable[[BaseModel], dict[str, str]] | None = None,
        status: Callable[[BaseModel], int] = lambda _: 201,
    ) -> Response:
        """Run the action in one transaction and answer with what it returns; or repeat what it answered before.

        Raises Invalid where the key was used for another request, AnswerGone where only the answer was lost since.
        """
        with self._database.write() as session:
            earlier = self._claim(session)
            if earlier:
                return self._repeat(earlier)
            made = action(session)
            answer = (status(made), headers(made) if headers else {}, made.model_dump_json())
            self._keep(session, *answer)
        return _response(*answer)

    def _claim(self, session: Session) -> Answer | None:
        """Take the key, or find who has it: a competitor that is under way is waited for."""
        if self._key is None:
            return None
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        mine = {
            "actor": self._who,
            "key": self._key,
            "request_sha256": self._fingerprint,
            "status": 200,
            "sealed": b"",
            "created_at": clock.now(),
        }
        claim = insert(Answer).values(mine).on_conflict_do_nothing().returning(col(Answer.key))
        if session.connection().execute(claim).first():  # a row count is not to be had from every driver
            return None
        earlier = session.get_one(Answer, (self._who, self._key))
        if earlier.request_sha256 != self._fingerprint:
            raise Invalid("This Idempotency-Key was used for another request; take a new one for a new request.")
        return earlier

    def _keep(self, session: Session, status: int, headers: dict[str, str], body: str) -> None:
        if self._key is None:
            return
        answer = session.get_one(Answer, (self._who, self._key))
        answer.status = status
        answer.sealed = self._vault.seal(json.dumps([headers, body]).encode())

    def _repeat(self, answer: Answer) -> Response:
        done = f"This was done on {utc(answer.created_at)} and is not done again"
        if not answer.sealed:
            raise AnswerGone(f"{done}. Its answer was erased since, when words were taken out of the record.")
        try:
            headers, body = json.loads(self._vault.open(answer.sealed))
        except LostSecret:
            raise AnswerGone(f"{done}. Its answer cannot be read: the secret key was changed since.") from None
        return _response(answer.status, {**headers, "Idempotency-Replayed": "true"}, body)


def erase_answers(session: Session) -> None:
    """Forget what was answered, and not that it was done: all but the answer that is being made."""
    session.connection().execute(update(Answer).where(col(Answer.sealed) != b"").values(sealed=b""))


def _response(status: int, headers: dict[str, str], body: str) -> Response:
    return Response(body, status, headers, media_type="application/json")


async def once(
    request: Request,
    database: Db,
    actor: CurrentActor,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Any text of your own, such as a UUID: repeating the request with it changes nothing twice.",
        ),
    ] = None,
) -> Once:
    body = await request.body()
    vault = request.app.state.vault
    # whoever has no role is told apart by where they are, so that no stranger's Idempotency-Key is in their way
    who = actor.identity if actor.role else client_stamp(vault, client_of(request))
    fingerprint = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body).hexdigest()
    return Once(database, vault, who, idempotency_key, fingerprint)


OnceOnly = Annotated[Once, Depends(once)]
