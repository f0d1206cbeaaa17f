"""Pushing: what a record costs, how many clients get through, what a replay and a poison op do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from app.bench.figures import Figure, at_least, at_most
from app.bench.sync_clients import new_records, push_each
from app.bench.sync_stage import Stage

RECORDS, BATCH, CLIENTS = 10_000, 500, 8
CPU_MS, RATE, REPLAY_RATE = 200.0, 4_000.0, 10_000.0


def measure(stage: Stage) -> Iterator[Figure]:
    (warm,) = stage.enrol(1)
    push_each(stage.port, [(warm, new_records(2_000, seed=0, size=BATCH)[1])])
    (tablet,) = stage.enrol(1)
    _, batches = new_records(RECORDS, seed=1, size=BATCH)
    with stage.counted() as spent:
        alone_s, answers = push_each(stage.port, [(tablet, batches)])
    must_all_be(answers, "applied", RECORDS)
    yield at_most(
        "sync.push.cpu",
        spent.cpu_ms_each(RECORDS) * 1000,
        "ms",
        CPU_MS,
        f"1,000 records in {BATCH}s; {RECORDS / alone_s:.0f}/s",
    )
    tablets = stage.enrol(CLIENTS)
    loads = [(one, new_records(RECORDS // 2, seed=2 + at, size=BATCH)[1]) for at, one in enumerate(tablets)]
    with stage.counted() as spent:
        crowd_s, answers = push_each(stage.port, loads)
    must_all_be(answers, "applied", CLIENTS * RECORDS // 2)
    crowd = CLIENTS * RECORDS / 2 / crowd_s
    yield at_least(
        "sync.push.8-clients",
        crowd,
        "rec/s",
        RATE,
        f"CPU {spent.cpu_ms_each(CLIENTS * RECORDS // 2) * 1000:.0f} ms per 1,000",
    )
    yield at_least("sync.push.8-to-1", crowd * alone_s / RECORDS, "ratio", 1.0, "one client")
    with stage.counted() as spent:
        again_s, _ = push_each(stage.port, [(tablet, batches)])
    yield at_least(
        "sync.replay",
        RECORDS / again_s,
        "op/s",
        REPLAY_RATE,
        f"CPU {spent.cpu_ms_each(RECORDS) * 1000:.0f} ms per 1,000",
    )


def must_all_be(answers: Sequence[bytes], status: str, count: int) -> None:
    results = [result["status"] for answer in answers for result in json.loads(answer)["results"]]
    if results != [status] * count:
        raise RuntimeError(f"not all {count} ops were {status}: {len(results)} {set(results)}")
