"""`Idempotency-Key`: the same request again gets the first answer again, and is done once.

The answer is stored in the transaction that it answers for, so that neither exists without the other
(draft-ietf-httpapi-idempotency-key-header-07). For what uses the network, the key
is taken before and the answer stored afterwards.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import delete, update
from sqlmodel import Session, col

from app import clock
from app.accounts.clients import client_of, client_stamp
from app.accounts.current import CurrentActor, Db
from app.accounts.models import Answer
from app.database import Database, insert
from app.fields import utc
from app.problems import Conflict, Invalid
from app.vault import LostSecret, Vault


class AnswerGone(Conflict):
    """This was done before, and its answer is not there to be repeated"""

    type = "answer-gone"
    remedy = "Read what was made: it is done. For something new take a new `Idempotency-Key`."


class UnderWay(Conflict):
    """The same request has begun, and its answer is not there yet"""

    type = "under-way"
    remedy = "Ask again in a moment. If it stays so, take a new `Idempotency-Key` to have it done anew."


_UNDER_WAY = b"under way"  # in place of an answer
_NO_ANSWER = (b"", _UNDER_WAY)


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

    async def send(self, action: Callable[[], Awaitable[BaseModel]]) -> Response:
        """The same for an action that uses the network, and so cannot be in a transaction: 200, and done at most once.

        Raises UnderWay while the same request is being done, or if it was broken off with its process.
        """
        earlier = await asyncio.to_thread(self._begin)
        if earlier:
            return self._repeat(earlier)
        try:
            made = await action()
        except Exception:
            await asyncio.to_thread(self._let_go)
            raise
        body = made.model_dump_json()
        await asyncio.to_thread(self._end, body)
        return _response(200, {}, body)

    def _begin(self) -> Answer | None:
        if self._key is None:
            return None
        with self._database.write() as session:
            earlier = self._claim(session)
            if earlier is None:
                session.get_one(Answer, (self._who, self._key)).sealed = _UNDER_WAY
        return earlier

    def _let_go(self) -> None:
        """What was not done may be asked for again."""
        if self._key:
            with self._database.write() as session:
                mine = (col(Answer.actor) == self._who, col(Answer.key) == self._key)
                session.connection().execute(delete(Answer).where(*mine))

    def _end(self, body: str) -> None:
        if self._key:
            with self._database.write() as session:
                self._keep(session, 200, {}, body)

    def _claim(self, session: Session) -> Answer | None:
        """Take the key, or find who has it: a competitor that is under way is waited for."""
        if self._key is None:
            return None
        mine = {
            "actor": self._who,
            "key": self._key,
            "request_sha256": self._fingerprint,
            "status": 200,
            "sealed": b"",
            "created_at": clock.now(),
        }
        claim = insert(session, Answer).values(mine).on_conflict_do_nothing().returning(col(Answer.key))
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
        if answer.sealed == _UNDER_WAY:
            raise UnderWay(
                f"This was begun on {utc(answer.created_at)}: ask again in a moment. If it stays so, it was broken off,"
                " who knows where; take a new Idempotency-Key to have it done anew."
            )
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
    session.connection().execute(update(Answer).where(col(Answer.sealed).not_in(_NO_ANSWER)).values(sealed=b""))


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
