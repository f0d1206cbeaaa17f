"""Figures for Prometheus. With PROMETHEUS_MULTIPROC_DIR set, those of all web processes are summed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.kernel.outbox import OutboxRow
from app.kernel.unit_of_work import Runtime

REQUESTS = Counter("lamplighter_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "lamplighter_request_seconds",
    "Time from the request's arrival to its answer",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUERIES = Histogram(
    "lamplighter_request_queries",
    "Statements sent to the database by one request",
    ["method", "route"],
    buckets=(0, 1, 2, 3, 4, 6, 8, 12, 20, 50),
)


def observe_request(*, method: str, route: str, status: int, seconds: float, queries: int) -> None:
    """Count one answered request."""
    answered, took, asked = _of(method, route, status)
    answered.inc()
    took.observe(seconds)
    asked.observe(queries)


@lru_cache(2_048)
def _of(method: str, route: str, status: int) -> tuple[Counter, Histogram, Histogram]:
    """Finding a figure by its labels costs more than counting."""
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route), QUERIES.labels(method, route)


class OutboxFigures(Collector):
    """What waits in the outbox, asked for at each reading; nothing while the database is away."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def collect(self) -> Iterator[Metric]:
        """Undone rows, and the age of the oldest that is due."""
        try:
            undone, age_s = self._figures()
        except DBAPIError:
            return
        yield GaugeMetricFamily("lamplighter_outbox_undone", "Tasks that wait", value=undone)
        yield GaugeMetricFamily("lamplighter_outbox_oldest_seconds", "How long the oldest due task waits", value=age_s)

    def _figures(self) -> tuple[int, float]:
        undone = (OutboxRow.done_at.is_(None), OutboxRow.given_up_at.is_(None))
        with self.runtime.sessions() as session:
            count, oldest = session.execute(select(func.count(), func.min(OutboxRow.due_at)).where(*undone)).one()
        age_s = 0.0 if oldest is None else max(0.0, (self.runtime.clock() - oldest).total_seconds())
        return count, age_s


def exposition(runtime: Runtime) -> bytes:
    """All figures in Prometheus' text format."""
    waiting = CollectorRegistry()
    waiting.register(OutboxFigures(runtime))
    return request_figures() + generate_latest(waiting)


def request_figures() -> bytes:
    """Those of this process, or of all processes that share PROMETHEUS_MULTIPROC_DIR."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
    return generate_latest(shared)
