from __future__ import annotations

from app.bench.figures import at_most
from app.bench.sync_clients import Line, new_records, pull_all, push_each


def measure(stage):
    (tablet,) = stage.enrol(1)
    _, batches = new_records(10_000, seed=1, size=500)
    push_each(stage.port, [(tablet, batches)])
    line = Line(stage.port, tablet)
    with stage.counted() as spent:
        pages, size = pull_all(line)
    yield at_most(
        "sync.pull.first",
        spent.cpu_ms_each(10_000) * 1000,
        "ms",
        50,
        f"{size} bytes, {spent.wall_s:.2f} s, pages {len(pages)}, {sum(len(p['changes']) for p in pages)}",
    )
    with stage.counted() as spent:
        pages, size = pull_all(line)
    yield at_most("sync.pull.full", spent.cpu_ms_each(10_000) * 1000, "ms", 50, f"{size} bytes, {spent.wall_s:.2f} s")
    page = pages[-1]
    line.pull(page)
    with stage.counted() as spent:
        for _ in range(500):
            line.pull(page)
    yield at_most("sync.poll.idle", spent.cpu_ms_each(500), "ms", 2, "")
