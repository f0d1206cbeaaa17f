"""The supervisor keeps processes running, writes down what they say, and leaves none behind."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.launch.children import QUEUES, Address, Child, children
from app.launch.places import Places
from app.launch.processes import PidFile, is_alive
from app.launch.report import Progress
from app.launch.supervisor import LONGEST_PAUSE_S, Supervisor, pause_after
from app.reactions import REACTIONS
from app.worker import QUEUES as WORKER_QUEUES

STEADY = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path, {}, None)


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def watch(places: Places, said: io.StringIO) -> Iterator[Callable[[str], Supervisor]]:
    running: list[Supervisor] = []

    def start(program: str) -> Supervisor:
        child = Child("web", [sys.executable, "-c", program])
        supervisor = Supervisor([child], places, os.environ, Progress(said))
        running.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in running:
        supervisor.stop()


def wait_until(supervisor: Supervisor, holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        supervisor.look()
        time.sleep(0.02)


def test_a_killed_process_is_started_again_and_the_reader_is_told(
    watch: Callable[[str], Supervisor], places: Places, said: io.StringIO
) -> None:
    supervisor = watch(STEADY)
    log = places.logs / "web.log"
    wait_until(supervisor, lambda: "pid" in log.read_text())
    first = PidFile(places.run / "web.pid").read()
    assert first
    os.kill(first[0], signal.SIGKILL)
    wait_until(supervisor, lambda: log.read_text().count("pid") == 2)
    second = PidFile(places.run / "web.pid").living()
    assert second not in {None, first[0]}
    assert "web" in said.getvalue()
    assert "(-9)" in said.getvalue()


def test_each_further_crash_waits_longer_up_to_half_a_minute() -> None:
    pauses = [pause_after(crashes) for crashes in range(1, 12)]
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S


def test_stopping_ends_the_process_and_forgets_its_pid(watch: Callable[[str], Supervisor], places: Places) -> None:
    supervisor = watch(STEADY)
    wait_until(supervisor, lambda: "pid" in (places.logs / "web.log").read_text())
    record = PidFile(places.run / "web.pid").read()
    assert record
    supervisor.stop()
    assert not is_alive(record[0])
    assert not (places.run / "web.pid").exists()


def test_a_process_that_ignores_being_asked_is_ended(
    watch: Callable[[str], Supervisor], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.launch.supervisor.STOP_PATIENCE_S", 0.3)
    supervisor = watch(STUBBORN)
    wait_until(supervisor, lambda: "deaf" in (places.logs / "web.log").read_text())
    record = PidFile(places.run / "web.pid").read()
    assert record
    supervisor.stop()
    assert not is_alive(record[0])


def test_every_queue_that_a_reaction_names_has_a_worker() -> None:
    named = {reference.queue for references in REACTIONS.values() for reference in references}
    assert named <= set(QUEUES)
    assert set(QUEUES) == set(WORKER_QUEUES)


def test_up_starts_web_stream_one_worker_a_queue_and_the_scheduler() -> None:
    names = [child.name for child in children(Path("python"), Address("127.0.0.1", 8000))]
    assert names == ["web", "stream", *(f"worker-{queue}" for queue in QUEUES), "scheduler"]
