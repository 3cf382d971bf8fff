"""The worker: settles what came back, plans what is new, claims what is due, and sends.

One loop per process. The database is asked in threads, and no session lives across an await. Every lane that was
claimed is a task of its own, so a slow endpoint holds up nobody else.
"""

import asyncio
import contextlib
import logging
import math
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic

from app import clock
from app.database import Database
from app.settings import Settings
from app.trouble import Trouble, is_out_of_reach
from app.vault import Vault
from app.waking import told_of_commits
from app.webhooks import lanes, planning, settling, signing
from app.webhooks.addresses import AddressPolicy
from app.webhooks.answers import Answer, Failure, Outcome
from app.webhooks.attempting import note
from app.webhooks.connections import Overtaken
from app.webhooks.headers import opened
from app.webhooks.lanes import Claimed, Lease, Work
from app.webhooks.messages import Message
from app.webhooks.outlook import Outlook, outlook
from app.webhooks.preparing import Run, prepare
from app.webhooks.rechecking import still_holds
from app.webhooks.resending import Progress
from app.webhooks.sending import Sender

LOOK_EVERY_SECONDS = 1.0  # for what nobody tells; what is committed wakes the worker at once
PATIENCE = 5  # times as long, where PostgreSQL tells of what others commit, while nothing is under way
SET_RIGHT_EVERY_SECONDS = 60.0  # what a clock that was ahead has left behind
PLAN_FOR_SECONDS = 0.2  # before those who were woken get something
GATHER_SECONDS = 0.1  # at most, until what has finished is settled
BREATH_SECONDS = 0.02  # while another worker is taking what is due
FRESH_SECONDS = 2.0  # or half a lease: older messages are not sent before it was asked again whether they may be
RENEWALS_PER_LEASE = 4  # so that one or two that fail do no harm
STALLED_SECONDS = 1.0  # an attempt that takes longer gives its place to another: all it still costs is a connection
MOST_STALLED = 4  # times as many as the places
SECRETS_AT_HAND = 1_000  # opening one takes longer than signing with it
NAMED = 3  # of many, in the log
LAST_WORDS_SECONDS = 3.0  # for attempts under way when the worker is to stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Turn:
    """What one visit to the database brought."""

    rest_seconds: float  # until the next one, unless something happens
    runs: list[Run] = field(default_factory=list)
    lost: set[Lease] = field(default_factory=set)
    asked_at: float = field(default_factory=monotonic)  # before what may be seen was asked


@dataclass(frozen=True)
class _Job:
    """A lane that is being worked."""

    task: asyncio.Task[None]
    began: float = field(default_factory=monotonic)

    @property
    def is_stalled(self) -> bool:
        return monotonic() - self.began > STALLED_SECONDS


class Deliverer:
    """Delivers to the webhooks of one database. Any number of them may run, in any number of processes."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self._database = database
        self._opened = lru_cache(SECRETS_AT_HAND)(vault.open)
        self._settings = settings
        self._owner = uuid.uuid4().hex
        self._policy = AddressPolicy(settings.webhook_allow_networks, settings.webhook_allow_http)
        self._api_url = f"{settings.base_url}/api/v1"
        self._user_agent = f"Demand-Tracker (+{settings.base_url})"
        self._under_way: dict[Lease, _Job] = {}
        self._finished: list[Work] = []
        self._trouble = Trouble(__name__, "Looking for what is to be delivered")
        self._news = False  # whether something was committed since the last visit
        self._renewed_at = monotonic()
        self._set_right_at = -math.inf
        self._most_at_once = settings.webhook_concurrency  # as many lanes are prepared before their messages are old

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then what is under way is finished, or given back."""
        self._something_happened = asyncio.Event()
        async with Sender(self._policy, user_agent=self._user_agent) as sender:
            with told_of_commits(self._database, self._note_news), self._woken_by(stop):
                while not stop.is_set():
                    await self._take_a_turn(sender)
                await self._end()

    async def _take_a_turn(self, sender: Sender) -> None:
        self._something_happened.clear()
        finished, self._finished = self._finished, []
        news, self._news = self._news, False
        turn = None
        with self._trouble:
            turn = await asyncio.to_thread(
                self._visit_the_database, finished, self._due_for_renewal(), self._free_places(), news
            )
        self._finished = finished + self._finished  # what is left of it; the leases tell whether it still counts
        if turn is None:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            return
        for lease in turn.lost & self._under_way.keys():
            self._under_way[lease].task.cancel()
        for run in turn.runs:
            task = asyncio.create_task(self._work(sender, run, turn.asked_at))
            self._under_way[run.lane.lease] = _Job(task)
        await self._rest(turn.rest_seconds)
        await self._gather()

    async def _rest(self, seconds: float) -> None:
        """Unless something happens."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._something_happened.wait(), seconds)

    async def _gather(self) -> None:
        """While nearly all places are taken, let several come back: together they cost little more than one."""
        until = monotonic() + GATHER_SECONDS
        while self._free_places() < self._most_at_once // 4 and (left := until - monotonic()) > 0:
            self._something_happened.clear()
            await self._rest(left)

    def _visit_the_database(self, finished: list[Work], to_renew: Sequence[Lease], free: int, news: bool) -> _Turn:
        """In a thread; leaves in `finished` what is still to be settled.

        After news there is no need to look whether there is something to do.
        """
        lost: set[Lease] = set()
        if monotonic() - self._set_right_at > SET_RIGHT_EVERY_SECONDS:
            self._set_right_at = monotonic()
            with self._database.write() as session:
                lanes.set_right(session)
        if finished:
            settling.settle(self._database, finished)
        if to_renew:
            with self._database.write() as session:
                lost = set(to_renew) - lanes.renew(session, to_renew)
        if not news:
            with self._database.read() as session:
                ahead = outlook(session)
            if not ahead.unplanned and not (ahead.due and free):
                return _Turn(self._rest_seconds(ahead if free else None), lost=lost)
        more, claimed = self._plan_and_claim(news or ahead.unplanned, free)
        if not claimed:
            return _Turn(0.0 if more else BREATH_SECONDS, lost=lost)
        asked_at = monotonic()
        try:
            with self._database.read() as session:
                runs = prepare(session, claimed, self._api_url)
        except Exception as error:
            if is_out_of_reach(error):
                finished.extend(_not_begun(claimed))
                raise
            names = ", ".join(str(lane.lease.webhook_id) for lane in claimed[:NAMED])
            log.exception("%d webhooks cannot be prepared together: %s", len(claimed), names)
            self._give_back([lane.lease for lane in claimed])
            return _Turn(BREATH_SECONDS, lost=lost)
        asked_at = self._allow_for_slowness(len(claimed), asked_at)
        ready = {run.lane.lease for run in runs}
        finished.extend(_not_begun(lane for lane in claimed if lane.lease not in ready))
        return _Turn(0.0, runs, lost, asked_at)

    def _give_back(self, leases: Sequence[Lease]) -> None:
        """Half as many come next, and so on, until the one that cannot be prepared is alone and holds up no other."""
        self._most_at_once = max(1, len(leases) // 2)
        with self._database.write() as session:
            lanes.give_back(session, leases)

    def _allow_for_slowness(self, claimed: int, asked_at: float) -> float:
        """From when on messages age: if they would all be old before the first is sent, none ever would be."""
        took = monotonic() - asked_at
        if took <= self._fresh_seconds:
            self._most_at_once = min(2 * self._most_at_once, self._settings.webhook_concurrency)
            return asked_at
        self._most_at_once = max(1, claimed // 2)
        log.warning("Preparing %d lanes took %.1f s; next come at most %d.", claimed, took, self._most_at_once)
        return asked_at if claimed > 1 else monotonic()

    def _rest_seconds(self, ahead: Outlook | None) -> float:
        """Leases are to be renewed, and places given to others, while anything is under way."""
        rest = LOOK_EVERY_SECONDS * (1 if self._under_way or self._database.is_sqlite else PATIENCE)
        return min(rest, ahead.due_in_seconds) if ahead else rest

    def _plan_and_claim(self, unplanned: bool, free: int) -> tuple[bool, list[Claimed]]:
        """Whether there is more to plan, and what was claimed."""
        until = monotonic() + PLAN_FOR_SECONDS
        while monotonic() < until:
            with self._database.write() as session:
                if not (unplanned and planning.plan(session)):
                    return False, lanes.claim(session, self._owner, free) if free else []
        with self._database.write() as session:
            planning.plan_ahead(session)
            return True, lanes.claim(session, self._owner, free) if free else []

    async def _work(self, sender: Sender, run: Run, asked_at: float) -> None:
        """Whatever ends it, what was done is settled."""
        work = Work(run.lane.lease, run.start_seq, set_aside=list(run.expired))
        try:
            await self._send(sender, run, work, asked_at)
        finally:
            del self._under_way[work.lease]
            self._finished.append(work)
            self._something_happened.set()

    async def _send(self, sender: Sender, run: Run, work: Work, asked_at: float) -> None:
        """In order, up to the first that does not get through; then what a replay adds."""
        for message in run.messages:
            if not await self._deliver(sender, run, message, work, asked_at):
                return
            work.cursor_seq = message.seq
        work.cursor_seq = run.end_seq
        if run.again is None:
            return
        work.replay = Progress(run.again.replay_id, run.again.start_seq, run.again.unseen)
        for message in run.again.messages:
            outcome = await self._deliver(sender, run, message, work, asked_at)
            if outcome is None:
                work.replay.failed, work.replay.retry_after_seconds = work.failed_again, work.retry_after_seconds
                return
            work.replay.note(message.seq, outcome)
        work.replay.at_seq = run.again.end_seq

    async def _deliver(self, sender: Sender, run: Run, message: Message, work: Work, asked_at: float) -> Outcome | None:
        """None where the lane must stop at this message."""
        if monotonic() - asked_at > self._fresh_seconds:
            return None
        started_at = clock.now()
        try:
            answer = await self._post(sender, run, message, asked_at)
        except Overtaken:
            return None
        return note(work, message, started_at, answer)

    async def _post(self, sender: Sender, run: Run, message: Message, asked_at: float) -> Answer:
        """Raises Overtaken."""

        async def may_go() -> bool:
            fresh = monotonic() - asked_at <= self._fresh_seconds
            return fresh or await asyncio.to_thread(still_holds, self._database, run, message, self._api_url)

        try:
            secrets = [self._opened(sealed).decode() for sealed in run.sealed_secrets]
            headers = opened(self._opened, run.sealed_headers)
            headers |= signing.headers(secrets, message.id, int(clock.now().timestamp()), message.body)
            timeout_seconds = self._settings.webhook_timeout_seconds
            party = run.organization_id
            return await sender.post(run.url, headers, message.body, timeout_seconds, party, may_go)
        except Overtaken:
            raise
        except Exception as error:
            log.exception("Webhook %s cannot be sent to.", run.lane.lease.webhook_id)
            return Answer(error=Failure.LOCAL, detail=f"The fault is ours: {type(error).__name__}.")

    @property
    def _fresh_seconds(self) -> float:
        return min(FRESH_SECONDS, self._settings.webhook_lease_seconds / 2)

    def _free_places(self) -> int:
        """Endpoints that hang must not take up the places of those that answer."""
        places, stalled = self._settings.webhook_concurrency, sum(job.is_stalled for job in self._under_way.values())
        free = places - (len(self._under_way) - min(stalled, MOST_STALLED * places))
        return min(free, self._most_at_once)

    def _due_for_renewal(self) -> list[Lease]:
        if monotonic() - self._renewed_at < self._settings.webhook_lease_seconds / RENEWALS_PER_LEASE:
            return []
        self._renewed_at = monotonic()
        return list(self._under_way)

    async def _end(self) -> None:
        """What does not end in time is broken off, and goes to whoever claims its lane next."""
        if self._under_way:
            under_way = [job.task for job in self._under_way.values()]
            _, slow = await asyncio.wait(under_way, timeout=LAST_WORDS_SECONDS)
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
        if self._finished:
            await asyncio.to_thread(settling.settle, self._database, self._finished)

    def _note_news(self) -> None:
        self._news = True
        self._something_happened.set()

    @contextlib.contextmanager
    def _woken_by(self, stop: asyncio.Event) -> Iterator[None]:
        async def wake() -> None:
            await stop.wait()
            self._something_happened.set()

        waiting = asyncio.create_task(wake())
        try:
            yield
        finally:
            waiting.cancel()


def _not_begun(claimed: Iterable[Claimed]) -> list[Work]:
    return [Work(lane.lease, lane.cursor_seq) for lane in claimed]
