"""What the sync engine costs, through the real HTTP stack, on a database that was never analysed."""

from __future__ import annotations

from collections.abc import Iterator

from app.bench import sync_pull, sync_push
from app.bench.figures import Figure
from app.bench.sync_stage import staged
from app.kernel.unit_of_work import Runtime

BATCH = 500
PARTS = (sync_push.measure, sync_pull.measure)


def measure(runtime: Runtime) -> Iterator[Figure]:
    with staged(runtime) as stage:
        for part in PARTS:
            yield from part(stage)
