"""What the sync API holds in memory: under eight clients, over a thousand batches, over half a gigabyte of one file."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from app.bench.figures import Figure, at_most
from app.bench.fleet import Tablet
from app.bench.processes import proportional_mib
from app.bench.sync_clients import new_records, push_each
from app.bench.sync_files import MB, Upload
from app.bench.sync_stage import Stage

CLIENTS, FULL, FEW = 8, 500, 100
ROUNDS = 5  # batches of each client before the first look
BATCHES = 1_000
FILE_BYTES, PIECE_BYTES = 500 * MB, 32 * MB
MOST_MIB, DRIFT = 250.0, 0.10


def measure(stage: Stage) -> Iterator[Figure]:
    """Proportional set size of all server processes together, so that what they share counts once."""
    _push(stage, ROUNDS, FULL, seed=40)
    before = proportional_mib(stage.server_pid)
    told = f"all processes, after {CLIENTS} clients with {ROUNDS} batches of {FULL} each"
    yield at_most("sync.memory", before, "MiB", MOST_MIB, told)
    _push(stage, BATCHES // CLIENTS, FEW, seed=60)
    yield _drift("sync.memory.batches", stage, before, f"{BATCHES} batches of {FEW}")
    (tablet,) = stage.enrol(1)
    chance = random.Random(41)
    content = b"".join(chance.randbytes(MB) for _ in range(FILE_BYTES // MB))  # it makes no more than 256 MB at once
    Upload(stage.port, tablet, content).send_rest(piece_bytes=PIECE_BYTES)
    yield _drift("sync.memory.file", stage, before, f"a file of {FILE_BYTES // MB} MB")


def _push(stage: Stage, batches: int, size: int, *, seed: int) -> None:
    loads: list[tuple[Tablet, Sequence[bytes]]] = [
        (tablet, new_records(batches * size, seed=seed + at, size=size)[1])
        for at, tablet in enumerate(stage.enrol(CLIENTS))
    ]
    push_each(stage.port, loads)


def _drift(name: str, stage: Stage, before: float, what: str) -> Figure:
    now = proportional_mib(stage.server_pid)
    return at_most(name, abs(now / before - 1), "ratio", DRIFT, f"{before:.0f} MiB, {now:.0f} MiB after {what}")
