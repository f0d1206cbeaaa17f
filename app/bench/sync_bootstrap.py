"""A new device gets everything: as one stream, against the same by pages, and in memory that does not grow with it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from app.bench.figures import Figure, at_most
from app.bench.sync_clients import Line, next_pull
from app.bench.sync_stage import Spent, Stage

FEW, MANY, PAGE = 10_000, 100_000, 500
CPU_MS, CPU_RATIO, BYTES_RATIO, GROWTH_MIB = 50.0, 1.0, 1.0, 10.0


def measure(stage: Stage) -> Iterator[Figure]:
    """A crew's work of 100,000 records, brought to fresh tablets."""
    small, large = _bucket(stage, FEW), _bucket(stage, MANY)
    _streamed(stage, small, FEW)
    before = stage.peak_mib()
    spent, size = _streamed(stage, large, MANY)
    grown = stage.peak_mib() - before
    paged, paged_size = _paged(stage, large)
    cpu, cpu_paged = (one.cpu_ms_each(MANY) * 1000 for one in (spent, paged))
    told = f"per 1,000 of {MANY}; {MANY / spent.wall_s:.0f} rec/s; {cpu_paged:.1f} ms by pages of {PAGE}"
    yield at_most("sync.bootstrap.cpu", cpu, "ms", CPU_MS, told)
    yield at_most("sync.bootstrap.cpu.ratio", cpu / cpu_paged, "ratio", CPU_RATIO, f"to pages of {PAGE}, same run")
    told = f"{size / MANY:.0f} bytes a record on the wire, {paged_size / MANY:.0f} by pages of {PAGE}"
    yield at_most("sync.bootstrap.bytes", size / paged_size, "ratio", BYTES_RATIO, told)
    told = f"more of all server processes at their peak for {MANY} than for {FEW} records"
    yield at_most("sync.bootstrap.memory", grown, "MiB", GROWTH_MIB, told)


def _bucket(stage: Stage, records: int) -> Line:
    """A tablet of a crew with so many records, which are numbered."""
    (tablet,) = stage.enrol(1)
    stage.seed([tablet.crew_id], records)
    return Line(stage.port, tablet)


def _streamed(stage: Stage, line: Line, records: int) -> tuple[Spent, int]:
    with stage.counted() as spent:
        size, written = line.post("snapshot", next_pull(None, PAGE))
    last = json.loads(written.rstrip(b"\n").rpartition(b"\n")[2])
    if written.count(b'"gone":false') < records or last["left"] or any(state["more"] for state in last["buckets"]):
        raise RuntimeError("a stream did not bring everything")
    return spent, size


def _paged(stage: Stage, line: Line) -> tuple[Spent, int]:
    page, size = None, 0
    with stage.counted() as spent:
        while page is None or any(state["more"] for state in page["buckets"]):
            sent, written = line.pull(page, limit=PAGE)
            page, size = json.loads(written), size + sent
    return spent, size
