"""Steps side by side: they overlap, wait for one another's results, and the first failure ends them all."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from app.launch.processes import wait_gone
from app.launch.programs import must, run
from app.launch.report import Progress, Stop
from app.launch.together import side_by_side

FAILING = ("坏了", "broken")


def test_steps_run_at_the_same_time() -> None:
    met = threading.Barrier(2, timeout=5)
    with side_by_side() as steps:
        places = [steps.begin(met.wait) for _ in range(2)]
    assert {place.result() for place in places} == {0, 1}  # each waited until the other was there


def test_a_step_may_wait_for_another() -> None:
    def after(first: Future[int]) -> int:
        return first.result() + 1

    with side_by_side() as steps:
        last = steps.begin(after, steps.begin(lambda: 1))
    assert last.result() == 2


def test_the_first_failure_ends_the_others_programs_and_is_the_one_told(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def slow() -> str:
        return must(["sh", "-c", f"echo $$ > {pid_file}; exec sleep 60"], failing=("慢", "slow"))

    def broken() -> str:
        while not pid_file.exists() or not pid_file.read_text().strip():
            time.sleep(0.02)
        return must(["false"], failing=FAILING)

    began = time.monotonic()
    with pytest.raises(Stop, match="broken"), side_by_side() as steps:
        steps.begin(slow)
        waiting = steps.begin(broken)
        steps.begin(lambda: waiting.result() + "never")
    assert time.monotonic() - began < 20
    assert wait_gone(int(pid_file.read_text()), 5)


def test_an_interrupt_ends_what_every_step_runs(tmp_path: Path) -> None:
    def sleeper(number: int) -> None:
        run(["sh", "-c", f"echo $$ > {tmp_path / str(number)}; exec sleep 60"])

    def interrupt() -> None:
        while len(pids()) < 2:
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def pids() -> list[int]:
        return [int(text) for path in tmp_path.iterdir() if (text := path.read_text().strip())]

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), side_by_side() as steps:
            steps.begin(sleeper, 1)
            steps.begin(sleeper, 2)
            threading.Thread(target=interrupt).start()
    finally:
        signal.signal(signal.SIGINT, before)
    assert all(wait_gone(pid, 5) for pid in pids())


def test_a_terminal_shows_all_steps_under_way_in_one_line() -> None:
    shown = Screen()
    progress = Progress(shown)
    with progress.step("first"), progress.step("second"):
        time.sleep(0.4)
    assert any("first  0 s · second  0 s" in line for line in shown.getvalue().split("\r"))
    assert [title for title, _ in progress.steps] == ["second", "first"]


class Screen(io.StringIO):
    """A text that says it is a terminal."""

    def isatty(self) -> bool:
        """As a terminal does."""
        return True


LOOK_AROUND = """
import os, threading, wsgi
links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
sockets = [os.readlink(link) for link in links if os.path.exists(link) and "socket:" in os.readlink(link)]
print(threading.active_count(), sockets)
"""


def test_the_web_application_may_be_imported_before_the_fork(tmp_path: Path) -> None:
    """For gunicorn's --preload: no thread would survive a fork, and both processes would share a connection."""
    env = {**os.environ, "BLOB_ROOT": str(tmp_path), "SECRET_KEY": "only for this test" * 2}
    said = run([sys.executable, "-c", LOOK_AROUND], env=env)
    assert said.output.strip().splitlines()[-1] == "1 []", said.output
