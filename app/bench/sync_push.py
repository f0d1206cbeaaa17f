"""Pushing: what a record costs, how many clients get through, what a replay and a poison op do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from app.bench.figures import Figure, at_least, at_most
from app.bench.fleet import Tablet
from app.bench.sync_clients import batches, new_ops, new_records, push_each
from app.bench.sync_stage import Stage

RECORDS, BATCH, CLIENTS = 10_000, 500, 8
CPU_MS, RATE, REPLAY_RATE = 200.0, 4_000.0, 10_000.0
MANY = RECORDS // 2  # of each client


def measure(stage: Stage) -> Iterator[Figure]:
    """Per 1,000 records where it is CPU."""
    tablets = stage.enrol(CLIENTS)
    push_each(stage.port, [(one, new_records(BATCH, seed=9, size=BATCH)[1]) for one in tablets])  # warm
    (alone,) = stage.enrol(1)
    _, written = new_records(RECORDS, seed=1, size=BATCH)
    with stage.counted() as spent:
        alone_s, answers = push_each(stage.port, [(alone, written)])
    _must_be(answers, {"applied": RECORDS})
    rate = RECORDS / alone_s
    yield at_most("sync.push.cpu", spent.cpu_ms_each(RECORDS) * 1000, "ms", CPU_MS, f"per 1,000; {rate:.0f} rec/s")
    yield from _crowd(stage, rate)
    with stage.counted() as spent:
        again_s, again = push_each(stage.port, [(alone, written)])
    if [_results(one) for one in again] != [_results(one) for one in answers]:
        raise RuntimeError("a replay was answered otherwise than the first time")
    cost = f"identical results; {spent.cpu_ms_each(RECORDS) * 1000:.0f} ms CPU per 1,000"
    yield at_least("sync.replay", RECORDS / again_s, "op/s", REPLAY_RATE, cost)
    yield _poison(stage)


def _crowd(stage: Stage, rate: float) -> Iterator[Figure]:
    loads: list[tuple[Tablet, Sequence[bytes]]] = [
        (one, new_records(MANY, seed=10 + at, size=BATCH)[1]) for at, one in enumerate(stage.enrol(CLIENTS))
    ]
    with stage.counted() as spent:
        seconds, answers = push_each(stage.port, loads)
    count = CLIENTS * MANY
    _must_be(answers, {"applied": count})
    cost = f"{spent.cpu_ms_each(count) * 1000:.0f} ms CPU per 1,000"
    yield at_least("sync.push.8-clients", count / seconds, "rec/s", RATE, cost)
    yield at_least("sync.push.8-to-1", count / seconds / rate, "ratio", 1.0, f"one client: {rate:.0f} rec/s")


def _poison(stage: Stage) -> Figure:
    """One reading in a thousand is no number; the 999 others must be taken in the same round."""
    (tablet,) = stage.enrol(1)
    _, ops = new_ops(1_000, seed=3)
    ops[333]["fields"]["reading_kwh"] = "much"
    _, answers = push_each(stage.port, [(tablet, batches(ops, BATCH))])
    told = _statuses(answers)
    return at_least("sync.poison", told["applied"], "ops", 999, f"of 1,000 taken beside {told['rejected']} refused")


def _must_be(answers: Sequence[bytes], wanted: dict[str, int]) -> None:
    told = _statuses(answers)
    if told != wanted:
        raise RuntimeError(f"expected {wanted}, was told {dict(told)}")


def _statuses(answers: Sequence[bytes]) -> Counter[str]:
    return Counter(result["status"] for answer in answers for result in _results(answer))


def _results(answer: bytes) -> list[dict[str, str]]:
    return list(json.loads(answer)["results"])
