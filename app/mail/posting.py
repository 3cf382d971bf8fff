"""From the outbox to the mail server.

What a mail says is written by whoever put it in, right before it is sent: so it tells what may be told at that moment,
and is not sent where there is nothing left to tell.
"""

import logging
import math
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from time import monotonic

from sqlmodel import Session

from app.database import Database
from app.mail import outbox, sending
from app.mail.letters import Letter, write
from app.mail.outbox import Claimed
from app.mail.sending import Lost, Refused, Server, Unusable
from app.settings import Settings
from app.vault import Vault

Writer = Callable[[Session, Vault, Claimed], Letter | None]
MOST_MINUTES_OF_REST = 5

log = logging.getLogger(__name__)


class Postman:
    """Sends the mail of one database; `writers` go by the kinds of mails. Any number may run, in any processes."""

    def __init__(self, database: Database, vault: Vault, settings: Settings, writers: Mapping[str, Writer]) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings
        self._writers = writers
        self._refusals = 0  # of the server to have anything to do with us, one after the other
        self._rests_until = -math.inf

    def post(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Over one connection: all that is due, or what can be sent until it is time to stop.

        Where the server is of no use, all mail waits some minutes. Where it is lost on the way, the mail at hand waits,
        and the others for the next turn.
        """
        if monotonic() < self._rests_until:
            return
        with self._database.read() as session:
            if not outbox.is_due(session):
                return
        mail, met = self._claim(), False
        try:
            with sending.connected(self._settings, stopped) as server:
                met = True
                while mail:
                    self._post_one(server, mail)
                    mail = None if stopped() else self._claim()
        except Unusable as trouble:
            log.warning("Mail waits: %s", trouble)
            its_fault = met and isinstance(trouble, Lost)
            if not its_fault:
                self._rest()
            if mail:
                self._note_failure(mail, str(trouble), counts=its_fault)
        else:
            self._refusals = 0

    def _claim(self) -> Claimed | None:
        with self._database.write() as session:
            return outbox.claim(session)

    def _post_one(self, server: Server, mail: Claimed) -> None:
        try:
            message = self._message(mail)
        except Exception:
            log.exception("Mail %s (%s) cannot be written.", mail.id, mail.kind)
            self._note_failure(mail, "It could not be written; the log says why.")
            return
        if message is None:
            with self._database.write() as session:
                outbox.settle_needless(session, mail)
            return
        try:
            sending.send(server, message)
        except Refused as refusal:
            self._note_failure(mail, str(refusal), refusal.for_good)
            return
        with self._database.write() as session:
            outbox.settle_sent(session, mail)

    def _message(self, mail: Claimed) -> EmailMessage | None:
        assert self._settings.mail_from
        with self._database.read() as session:
            letter = self._writers[mail.kind](session, self._vault, mail)
        return write(letter, self._settings.mail_from, mail.id, mail.created_at) if letter else None

    def _rest(self) -> None:
        """A little longer each time: who signs in with the wrong password again and again is locked out."""
        self._refusals += 1
        self._rests_until = monotonic() + min(self._refusals, MOST_MINUTES_OF_REST) * 60

    def _note_failure(self, mail: Claimed, error: str, for_good: bool = False, counts: bool = True) -> None:
        with self._database.write() as session:
            given_up = outbox.settle_failed(session, mail, error, for_good, counts)
        if given_up:
            log.error("Mail %s (%s) is given up: %s", mail.id, mail.kind, error)
