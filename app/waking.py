"""Whoever works in an event loop hears of what is committed in any thread."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from app.database import Database


@contextlib.contextmanager
def told_of_commits(database: Database, tell: Callable[[], object]) -> Iterator[None]:
    """While the block lasts, `tell` is called in this event loop when readers have something new."""
    loop = asyncio.get_running_loop()

    def pass_on() -> None:  # called in the thread that has committed
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell)

    database.after_commit.append(pass_on)
    try:
        yield
    finally:
        database.after_commit.remove(pass_on)
