"""How long the synthetic district takes to load."""

from __future__ import annotations

import time
from collections.abc import Iterator

from app.bench.figures import Figure, at_most
from app.bench.scratch import scratch
from app.kernel.unit_of_work import Runtime

GOALS_S = {"tiny": 5.0, "demo": 60.0}


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Seconds from an empty database to a loaded district, migration included."""
    for size, goal in GOALS_S.items():
        started = time.perf_counter()
        with scratch(runtime, size):
            yield at_most(f"district.{size}.load", time.perf_counter() - started, "s", goal, "issue goal")
