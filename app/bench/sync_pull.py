"""Pulling: a fresh device, a bucket of which every record was rewritten, and what changed among many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.bench.figures import Figure, at_most
from app.bench.fleet import Tablet
from app.bench.sync_clients import Line, batches, new_records, pull_all, push_each, rewrites
from app.bench.sync_stage import Spent, Stage

RECORDS, FEW, BATCH, ROUNDS = 10_000, 2_000, 500, 5
CHANGED, MILLION = 1_000, 1_000_000
CPU_MS, BYTES_RATIO, SECONDS, MILLION_RATIO = 50.0, 1.05, 0.15, 1.3
Page = dict[str, Any]


def measure(stage: Stage) -> Iterator[Figure]:
    """A crew's work of 10,000 records, held by one tablet and pulled by others."""
    yield from _fresh(stage)
    yield _rewritten(stage)
    changed = _changed(stage, RECORDS)
    yield at_most(
        "sync.pull.changed", changed.wall_s, "s", SECONDS, f"{CHANGED} of {RECORDS}, median; {_told(changed)}"
    )


def measure_million(stage: Stage) -> Iterator[Figure]:
    """The same changes among a hundred times the records."""
    few, many = _changed(stage, RECORDS), _changed(stage, MILLION)
    told = (
        f"{many.wall_s:.3f} s for {CHANGED} of {MILLION}, {_told(many)}; {few.wall_s:.3f} s of {RECORDS}, {_told(few)}"
    )
    yield at_most("sync.pull.million", many.wall_s / few.wall_s, "ratio", MILLION_RATIO, told)


def _told(spent: Spent) -> str:
    return f"{spent.cpu_s:.2f} s CPU, {spent.waited_s:.2f} s waited for a processor"


def _fresh(stage: Stage) -> Iterator[Figure]:
    (first,) = stage.enrol(1)
    push_each(stage.port, [(first, new_records(RECORDS, seed=4, size=BATCH)[1])])
    line = Line(stage.port, first)
    with stage.counted() as spent:
        pull_all(line)
    numbered = f"{spent.cpu_ms_each(RECORDS) * 1000:.0f} ms for the first, which numbers them"
    line.speak_for(stage.enrol(1, crew_id=first.crew_id)[0])
    with stage.counted() as spent:
        pages, size = pull_all(line)
    if sum(len(page["changes"]) for page in pages) < RECORDS:
        raise RuntimeError("a fresh device did not get everything")
    told = f"per 1,000; {RECORDS / spent.wall_s:.0f} rec/s, {size / RECORDS:.0f} bytes each before gzip; {numbered}"
    yield at_most("sync.pull.fresh.cpu", spent.cpu_ms_each(RECORDS) * 1000, "ms", CPU_MS, told)


def _rewritten(stage: Stage) -> Figure:
    (first,) = stage.enrol(1)
    ids, written = new_records(FEW, seed=5, size=BATCH)
    push_each(stage.port, [(first, written)])
    line = Line(stage.port, first)
    live = _bytes(line)
    for turn in range(1, 11):
        ops = rewrites(ids, base_rev=turn, first_op=turn * FEW + 1, seed=turn)
        push_each(stage.port, [(first, batches(ops, BATCH))])
        line.pull()  # so that each rewrite gets a number of its own
    return at_most("sync.pull.rewritten", _bytes(line) / live, "ratio", BYTES_RATIO, "bytes after ten rewrites each")


def _bytes(line: Line) -> int:
    return pull_all(line)[1]


def _changed(stage: Stage, records: int) -> Spent:
    """What the median pull takes that brings 1,000 changes to a device that has all but these."""
    (writer,) = stage.enrol(1)
    stage.seed([writer.crew_id], records)
    line = Line(stage.port, writer)
    page = _at_end(line, writer, records)
    ids, took = _some(stage, writer.crew_id), list[Spent]()
    for turn in range(ROUNDS):
        ops = rewrites(ids, base_rev=turn + 1, first_op=turn * CHANGED + 1, seed=turn)
        push_each(stage.port, [(writer, batches(ops, BATCH))])
        with stage.counted() as spent:
            pages, _ = pull_all(line, page)
        took.append(spent)
        if sum(len(one["changes"]) for one in pages) != CHANGED:
            raise RuntimeError("a pull brought more or less than what changed")
        page = pages[-1]
    return sorted(took, key=lambda spent: spent.wall_s)[ROUNDS // 2]


def _at_end(line: Line, tablet: Tablet, high: int) -> Page:
    """A page as a tablet has it that holds everything."""
    page: Page = json.loads(line.pull(limit=1)[1])
    for state in page["buckets"]:
        if state["key"] == f"crew:{tablet.crew_id}":
            state["seq"] = high
    return dict(json.loads(line.pull(page)[1]))


def _some(stage: Stage, crew_id: UUID) -> list[UUID]:
    query = text("SELECT id FROM bench_survey WHERE crew_id = :crew_id ORDER BY id LIMIT :count")
    with stage.runtime.engine.connect() as connection:
        return list(connection.scalars(query, {"crew_id": crew_id, "count": CHANGED}))
