"""How deliveries fare, as Prometheus takes it: from tallies and by indexes, so that asking costs little at any size."""

import datetime
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlmodel import Session, col

from app import clock
from app.ledger.models import Event, Head
from app.webhooks.answers import Outcome
from app.webhooks.models import Lane, PlanProgress, Reason
from app.webhooks.tallying import Tallies

MEDIA_TYPE = CONTENT_TYPE_LATEST


def exposition(session: Session) -> bytes:
    """In the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Deliveries(session))
    return generate_latest(registry)


class _Deliveries(Collector):
    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[Metric]:
        yield from _lag(self._session)
        yield from _totals(Tallies(self._session))


def _lag(session: Session) -> Iterator[Metric]:
    head, planned, due_since = session.execute(
        select(
            select(col(Head.seq)).scalar_subquery(),
            select(col(PlanProgress.seq)).scalar_subquery(),
            select(func.min(col(Lane.ready_at))).where(col(Lane.ready_at).is_not(None)).scalar_subquery(),
        )
    ).one()
    unplanned_since = session.scalars(select(col(Event.recorded_at)).where(col(Event.seq) == planned + 1)).first()
    yield GaugeMetricFamily("demands_ledger_entries", "Entries of the ledger.", head)
    yield GaugeMetricFamily(
        "demands_webhook_lag_events", "Newest entries that no worker has looked at yet.", head - planned
    )
    yield GaugeMetricFamily(
        "demands_webhook_lag_seconds", "Since when the first of these waits.", _seconds_since(unplanned_since)
    )
    yield GaugeMetricFamily(
        "demands_webhook_oldest_due_lane_seconds",
        "Since when the webhook that waits longest could have been sent to: high where workers are too few, or none.",
        _seconds_since(due_since),
    )


def _totals(tallies: Tallies) -> Iterator[Metric]:
    attempts = CounterMetricFamily("demands_webhook_attempts", "POSTs to endpoints.", labels=["outcome"])
    durations = HistogramMetricFamily(
        "demands_webhook_attempt_duration_seconds", "From the name's resolution to the last byte.", labels=["outcome"]
    )
    for outcome in Outcome:
        total = tallies.attempts(outcome)
        within, sum_ms = tallies.durations(outcome)
        buckets = [(str(limit_ms / 1000), float(count)) for limit_ms, count in within]
        attempts.add_metric([outcome], total)
        durations.add_metric([outcome], [*buckets, ("+Inf", float(total))], sum_ms / 1000)
    undelivered = CounterMetricFamily(
        "demands_webhook_undelivered", "Messages that were given up; they can be replayed.", labels=["reason"]
    )
    for reason in Reason:
        undelivered.add_metric([reason], tallies.undelivered(reason))
    yield from (attempts, durations, undelivered)
    yield CounterMetricFamily(
        "demands_webhook_leases_lost",
        "Turns at a webhook that ended after somebody else had taken it over, or it was deleted; what they sent may "
        "have been sent twice.",
        tallies.leases_lost,
    )
    yield CounterMetricFamily(
        "demands_webhook_turns_unprepared",
        "Turns at a webhook that ended before anything was sent, by a fault of ours that the worker's log names.",
        tallies.unprepared,
    )
    yield CounterMetricFamily(
        "demands_webhook_turns_unsettled",
        "Turns at a webhook that could not be noted, by a fault of ours that the worker's log names; what they sent "
        "is sent again.",
        tallies.unsettled,
    )


def _seconds_since(moment: datetime.datetime | None) -> float:
    return max(0.0, (clock.now() - moment).total_seconds()) if moment else 0.0
