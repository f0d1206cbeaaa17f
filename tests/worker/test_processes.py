"""Real worker processes, killed at bad moments. What counts is the database afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.config import Settings
from app.kernel.clock import utc_now
from app.kernel.doorbell import ring
from app.kernel.outbox import OutboxRow
from app.kernel.unit_of_work import Runtime
from app.worker import keep_time
from tests.worker.test_tasks import given_row, traces

ROOT = Path(__file__).resolve().parents[2]
WORKER_MIB = 200


@contextmanager
def process(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m app.worker …` over the test's database, ended by SIGTERM."""
    env = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "BLOB_ROOT": str(settings.blob_root),
        "SECRET_KEY": settings.secret_key,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "app.worker", *arguments]
    started = subprocess.Popen(command, cwd=ROOT, env=env)  # noqa: S603 - our own module
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(5)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait(5)


@contextmanager
def scheduler(runtime: Runtime) -> Iterator[None]:
    """What `python -m app.worker --scheduler` runs, in a thread."""
    stop = threading.Event()
    thread = threading.Thread(target=keep_time, args=(runtime, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def eventually(holds: Callable[[], bool], *, within_s: float) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, "did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def real(committed_runtime: Runtime) -> Iterator[Runtime]:
    committed_runtime.clock = utc_now
    committed_runtime.redis.flushdb()
    yield committed_runtime
    committed_runtime.redis.flushdb()


@pytest.fixture
def looking(real: Runtime) -> Iterator[Session]:
    with real.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield Session(connection)


def horses_of(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(child) for child in listed]


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no such process")


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_leaves_nothing_and_the_work_is_done_once(
    real: Runtime, looking: Session, settings: Settings
) -> None:
    row = given_row(real, "leave_trace_slowly", seconds=2.0)
    with process(settings, "default") as worker, scheduler(real):
        ring(real)([row])
        eventually(lambda: bool(horses_of(worker.pid)), within_s=60)
        time.sleep(0.5)  # into the task
        for pid in (*horses_of(worker.pid), worker.pid):
            os.kill(pid, signal.SIGKILL)
        worker.wait(5)
        assert traces(looking, row) == 0
        with process(settings, "default") as second:
            eventually(lambda: traces(looking, row) == 1, within_s=90)
            assert resident_mib(second.pid) < WORKER_MIB
    assert looking.get_one(OutboxRow, row.id).done_at is not None
    assert traces(looking, row) == 1


@pytest.mark.slow
def test_an_emptied_redis_loses_no_work(real: Runtime, looking: Session, settings: Settings) -> None:
    rows = [given_row(real) for _ in range(30)]
    ring(real)(rows)
    real.redis.flushdb()
    with process(settings, "default"), scheduler(real):
        eventually(lambda: all(traces(looking, row) == 1 for row in rows), within_s=90)


@pytest.mark.slow
def test_a_worker_told_to_stop_finishes_what_it_is_at(real: Runtime, looking: Session, settings: Settings) -> None:
    row = given_row(real, "leave_trace_slowly", seconds=1.5)
    ring(real)([row])
    with process(settings, "default") as worker:
        eventually(lambda: bool(horses_of(worker.pid)), within_s=60)
        worker.terminate()
        assert worker.wait(10) == 0
    assert traces(looking, row) == 1
