"""What fails again and again is told when it begins, once a minute while it lasts, and when it is over."""

import logging
import math
import sqlite3
import threading
from time import monotonic

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as QueueTimeout

TELL_EVERY_SECONDS = 60.0
BRIEF_SECONDS = 5.0  # what comes and goes is not told each time, unless it stays for so long


class Trouble:
    """With something that is tried again and again, in any thread; `what` begins a sentence: "Mailing".

    `with trouble:` around an attempt tells of what fails in it, and lets it go no further.
    """

    def __init__(self, source: str, what: str) -> None:
        self._log = logging.getLogger(source)
        self._what = what
        self._lock = threading.Lock()
        self._since: float | None = None
        self._times = 0
        self._told_at = -math.inf  # or that it was over
        self._is_told = False
        self._traced: set[type[Exception]] = set()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, Exception):
            self.met(error)
        elif error is None:
            self.over()
        return isinstance(error, Exception)

    def met(self, error: Exception) -> None:
        """A mistake of ours, so with its trace. The database tells of its own troubles, once for everyone."""
        if is_out_of_reach(error):
            return
        with self._lock:
            if self._since is None and monotonic() - self._told_at >= TELL_EVERY_SECONDS:
                self._traced.clear()
            is_new = type(error) not in self._traced
            self._traced.add(type(error))
            self._count(logging.ERROR, type(error).__name__, error if is_new else None)

    def met_from_outside(self, error: Exception) -> None:
        """In a line, as there is nothing to be mended here."""
        with self._lock:
            self._count(logging.WARNING, _first_line(error), None)

    def over(self) -> None:
        """It went well."""
        if self._since is None:
            return
        with self._lock:
            if self._is_told and self._since is not None:
                self._told_at = monotonic()
                lasted = self._told_at - self._since
                self._log.info("%s works again after %.0f s; it had failed %d times.", self._what, lasted, self._times)
                self._times, self._is_told = 0, False
            self._since = None

    def _count(self, level: int, reason: str, trace: Exception | None) -> None:
        now = monotonic()
        self._times += 1
        self._since = now if self._since is None else self._since
        is_lasting = not self._is_told and now - self._since >= BRIEF_SECONDS
        if not (trace or is_lasting or now - self._told_at >= TELL_EVERY_SECONDS):
            return
        self._told_at, self._is_told = now, True
        often = f" {self._times} times in {now - self._since:.0f} s" if self._times > 1 else ""
        self._log.log(level, "%s failed%s: %s", self._what, often, reason, exc_info=trace)


def is_out_of_reach(error: Exception) -> bool:
    """Whether the database is away or busy. SQLite raises the same where it cannot make sense of a statement."""
    driver = getattr(error, "orig", None)
    is_mistake = getattr(driver, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    is_lost = getattr(error, "connection_invalidated", False)
    return is_lost or (isinstance(error, OperationalError | QueueTimeout) and not is_mistake)


def _first_line(error: Exception) -> str:
    words = str(getattr(error, "orig", None) or (error.args or [""])[0]).strip()
    return words.partition("\n")[0] or type(error).__name__
