"""Our processes are found again by pid file and command line; a stranger with the same number is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.launch.processes import PidFile, command_line, is_alive, sweep, wait_gone

MARKER = "lamplighter-orphan-marker"
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)", MARKER]
FAMILY = [
    sys.executable,
    "-c",
    f"import subprocess, sys, time; subprocess.Popen([sys.executable, *{SLEEPER[1:]!r}]); time.sleep(60)",
    MARKER,
]
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="sessions are read from /proc")


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for process in running:
        process.kill()
        process.wait()


def start(argv: list[str], started: list[subprocess.Popen[bytes]]) -> int:
    process = subprocess.Popen(argv, start_new_session=True)
    started.append(process)
    wait_until(lambda: MARKER in command_line(process.pid))
    return process.pid


def wait_until(holds: object, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while callable(holds) and not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_is_known_again_by_its_pid_file(tmp_path: Path, started: list[subprocess.Popen[bytes]]) -> None:
    pid = start(SLEEPER, started)
    file = PidFile(tmp_path / "web.pid")
    file.write(pid, SLEEPER)
    assert file.living() == pid
    started[0].kill()
    started[0].wait()
    assert file.living() is None


def test_another_program_under_the_same_number_is_a_stranger(tmp_path: Path) -> None:
    file = PidFile(tmp_path / "web.pid")
    file.write(os.getpid(), ["gunicorn", "wsgi:app"])
    assert file.living() is None
    assert sweep(tmp_path, MARKER) == []
    assert is_alive(os.getpid())


@pytest.mark.parametrize("content", ["", "{", '{"pid": "x", "argv": []}', "[]"])
def test_a_broken_pid_file_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "web.pid").write_text(content)
    assert PidFile(tmp_path / "web.pid").read() is None
    assert sweep(tmp_path, MARKER) == []
    assert not (tmp_path / "web.pid").exists()


@ON_LINUX
def test_what_a_killed_run_left_is_ended_with_its_children(
    tmp_path: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    leader = start(FAMILY, started)
    wait_until(lambda: len(children_of(leader)) == 1)
    child = children_of(leader)[0]
    wait_until(lambda: MARKER in command_line(child))
    PidFile(tmp_path / "web.pid").write(leader, FAMILY)
    os.kill(leader, signal.SIGKILL)  # the leader is gone: its session still names the family
    started[0].wait()

    assert sweep(tmp_path, MARKER) == [child]
    assert wait_gone(child, 2)
    assert sweep(tmp_path, MARKER) == []


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
