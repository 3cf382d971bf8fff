"""Whoever was told to stop ends, even while a database that hangs holds on to it."""

import logging
import os
import threading

STOP_WITHIN_SECONDS = 10.0

log = logging.getLogger(__name__)


def leave_in_time() -> None:
    """To be called when it is told to stop, from a signal handler too."""
    timer = threading.Timer(STOP_WITHIN_SECONDS, _leave)
    timer.daemon = True
    timer.start()


def _leave() -> None:
    """Whatever was under way is leased, and taken up by others or after the next start."""
    log.warning("This was told to stop %.0f s ago, and still waits for something: it ends now.", STOP_WITHIN_SECONDS)
    os._exit(1)
