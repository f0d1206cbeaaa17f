"""Who waits for whom: writes beside a pull that hangs, pulls beside a forgotten transaction; what tracking adds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from uuid import uuid4

from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from app.bench.api import signed_in
from app.bench.figures import Figure, at_most
from app.bench.fleet import Tablet
from app.bench.scratch import scratch
from app.bench.sync_clients import Line, new_records, pull_all
from app.bench.sync_stage import Stage
from app.kernel.actor import SYSTEM
from app.kernel.unit_of_work import Runtime
from mobile_sync.adapters.stamping import LOCK_SPACE

BATCH, ROUNDS, EDITS = 500, 8, 60
WAITING_RATIO, OVERHEAD = 1.5, 1.25
# What a pull may hold: a snapshot of everything, and the right to number the bucket.
HANG = text(
    """
    SELECT count(*), pg_advisory_xact_lock(:space, (SELECT id::int FROM sync_bucket WHERE key = :key))
    FROM sync_entry e JOIN bench_survey s ON s.id = e.rec_id
    """
)
FORGET = text("UPDATE bench_survey SET rev = rev WHERE crew_id = :crew_id")


def measure(stage: Stage) -> Iterator[Figure]:
    """Each against the same without what hangs."""
    (tablet,) = stage.enrol(1)
    _, written = new_records(BATCH * 3 * ROUNDS, seed=7, size=BATCH)
    line = Line(stage.port, tablet)
    alone = statistics.median(_pushes(line, written[:ROUNDS]))
    pull_all(line)
    with stage.runtime.engine.connect() as connection, connection.begin():
        connection.execute(HANG, {"space": LOCK_SPACE, "key": f"crew:{tablet.crew_id}"})
        beside = statistics.median(_pushes(line, written[ROUNDS : 2 * ROUNDS]))
    told = f"{beside * 1000:.0f} ms for {BATCH} records, {alone * 1000:.0f} ms alone"
    yield at_most("sync.write.beside-a-pull", beside / alone, "ratio", WAITING_RATIO, told)
    yield _forgotten(stage, tablet, line, written[2 * ROUNDS :])


def _pushes(line: Line, written: list[bytes]) -> list[float]:
    took = []
    for body in written:
        began = time.perf_counter()
        line.push(body)
        took.append(time.perf_counter() - began)
    return took


def _forgotten(stage: Stage, tablet: Tablet, line: Line, written: list[bytes]) -> Figure:
    """Somebody wrote to rows of the bucket and left the transaction open: everything else must arrive at once."""
    pages, _ = pull_all(line)
    missing = 0
    with stage.runtime.engine.connect() as connection, connection.begin():
        connection.execute(FORGET, {"crew_id": tablet.crew_id})
        for body in written:
            line.push(body)
            pages, _ = pull_all(line, pages[-1])
            missing += BATCH - sum(len(page["changes"]) for page in pages)
    return at_most(
        "sync.foreign-transaction", missing, "late", 0, f"of {BATCH * len(written)} records pushed beside it"
    )


def measure_overhead(runtime: Runtime) -> Iterator[Figure]:
    """A dispatcher's edit of a job, whole request, with its history and its news for tablets and without."""
    with scratch(runtime, "tiny") as own, signed_in(own) as client:
        with own.unit_of_work(SYSTEM) as uow:
            job_id = uow.session.scalars(text("SELECT id FROM job WHERE state = 'new' LIMIT 1")).one()
        tracked, plain = own.sessions, sessionmaker(own.engine, expire_on_commit=False)
        took: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(2 * EDITS):
            own.sessions = tracked if turn % 2 else plain
            took[bool(turn % 2)].append(_edit(own, client, str(job_id), turn))
    synced, bare = statistics.median(took[True]), statistics.median(took[False])
    told = f"{synced * 1000:.1f} ms to {bare * 1000:.1f} ms, median of {EDITS}"
    yield at_most("sync.write.overhead", synced / bare, "ratio", OVERHEAD, told)


def _edit(runtime: Runtime, client: FlaskClient, job_id: str, turn: int) -> float:
    with runtime.engine.connect() as connection:
        rev = connection.execute(text("SELECT rev FROM job WHERE id = :id"), {"id": job_id}).scalar_one()
    headers = {"If-Match": f'"{rev}"', "Idempotency-Key": str(uuid4())}
    began = time.perf_counter()
    answered = client.patch(f"/api/v1/jobs/{job_id}", json={"note": f"bench {turn}"}, headers=headers)
    took = time.perf_counter() - began
    if answered.status_code != 200:
        raise RuntimeError(f"the edit was answered {answered.status_code}")
    return took
