"""What the search box costs in the demo's branch: an estate, two characters, initials, English words, digits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from sqlalchemy import func, select

from app.bench.api import expect, signed_in
from app.bench.figures import Figure, at_most, cost_of, percentile
from app.bench.scratch import scratch
from app.customers.models import Premises
from app.kernel.unit_of_work import Runtime

ROUNDS = 60
P95_MS = 60.0


def measure(runtime: Runtime) -> Iterator[Figure]:
    """The dearest of five kinds of search texts taken from an address in the middle of the book, through the door."""
    with scratch(runtime, "demo") as own, signed_in(own) as client:
        with own.sessions() as session:
            count = session.scalar(select(func.count()).select_from(Premises)) or 0
            some = session.scalars(select(Premises).order_by(Premises.code).offset(count // 2).limit(1)).one()
        english = (some.address_en or "").split()
        words = (some.address[-6:], some.address[2:4], some.initials[:4], " ".join(english[-2:]), "1390")
        slowest: dict[str, float] = {}
        for q in words:
            path = f"/api/v1/search?q={quote(q)}"
            expect(client, path)
            wall_ms = cost_of(partial(expect, client, path), times=ROUNDS, pids=[]).wall_ms
            slowest[q] = percentile(wall_ms, 0.95)
        dearest = max(slowest, key=lambda q: slowest[q])
        told = f"p95 of {ROUNDS}, {count} premises; dearest of {len(words)} texts: {dearest}"
        yield at_most("search.p95", slowest[dearest], "ms", P95_MS, told)
