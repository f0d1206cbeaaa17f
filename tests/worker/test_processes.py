"""Real worker processes, killed at bad moments. What counts is the database afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app import schedule
from app.config import Settings
from app.kernel.clock import utc_now
from app.kernel.doorbell import ring
from app.kernel.outbox import OutboxRow
from app.kernel.unit_of_work import Runtime
from app.worker import serve
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
def test_a_killed_worker_leaves_nothing_and_the_next_does_the_work_once_even_when_told_to_stop(
    real: Runtime, looking: Session, settings: Settings
) -> None:
    row = given_row(real, "leave_trace_slowly", seconds=2.0)
    with process(settings, "default") as worker:
        ring(real)([row])
        eventually(lambda: bool(horses_of(worker.pid)), within_s=90)
        time.sleep(0.5)  # into the task
        for pid in (*horses_of(worker.pid), worker.pid):
            os.kill(pid, signal.SIGKILL)
        worker.wait(5)
    assert traces(looking, row) == 0
    with process(settings, "default") as second:
        ring(real)([row])  # what the sweeper does once the row is overdue
        eventually(lambda: bool(horses_of(second.pid)), within_s=90)
        assert resident_mib(second.pid) < WORKER_MIB
        second.terminate()
        assert second.wait(10) == 0
    assert traces(looking, row) == 1
    assert looking.get_one(OutboxRow, row.id).done_at is not None


def test_an_emptied_redis_loses_no_work(real: Runtime, looking: Session) -> None:
    rows = [given_row(real) for _ in range(5)]
    ring(real)(rows)
    real.redis.flushdb()
    real.clock = lambda: utc_now() + timedelta(seconds=10)
    schedule.install(real)
    schedule.tick(real)
    with signals_kept():
        serve(real, "default", burst=True)
    assert [traces(looking, row) for row in rows] == [1] * 5


@contextmanager
def signals_kept() -> Iterator[None]:
    """RQ takes over SIGINT and SIGTERM."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
