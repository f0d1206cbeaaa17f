"""Recognising our own processes again: by pid file and command line, never by name.

A killed supervisor leaves children behind. Each child leads a session of its own and its pid file keeps the command
line it was started with, so the next start can tell an orphan from a stranger who got the same number.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

PROC = Path("/proc")


def command_line(pid: int) -> list[str]:
    """The arguments process `pid` was started with; [] where there is no such process (or only its zombie)."""
    if PROC.joinpath("self/cmdline").exists():
        try:
            raw = PROC.joinpath(str(pid), "cmdline").read_bytes()
        except OSError:
            return []
        return [part.decode(errors="replace") for part in raw.rstrip(b"\0").split(b"\0")] if raw else []
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.split()


def is_alive(pid: int) -> bool:
    """Whether the process runs: a zombie that nobody has collected yet does not."""
    return pid > 0 and bool(command_line(pid))


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait for a process to end; False when it still runs after `seconds`."""
    deadline = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def send(pid: int, number: signal.Signals, *, group: bool = False) -> None:
    """Signal a process or its group; one that has gone meanwhile is what was wanted."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, number)


class PidFile:
    """The record of one started process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pid: int, argv: Sequence[str]) -> None:
        """Remember a process just started."""
        self.path.write_text(json.dumps({"pid": pid, "argv": list(argv)}))

    def read(self) -> tuple[int, list[str]] | None:
        """The remembered process, or None; a half-written file counts as none."""
        try:
            record = json.loads(self.path.read_text())
            return int(record["pid"]), [str(part) for part in record["argv"]]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def clear(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)

    def living(self) -> int | None:
        """The pid, if that number still runs the same command."""
        record = self.read()
        return record[0] if record and is_same_command(record[1], command_line(record[0])) else None


def is_same_command(started: Sequence[str], running: Sequence[str]) -> bool:
    """Whether a command line is the one we started; the program itself may show under its real path."""
    return bool(running) and list(started[1:]) == list(running[1:])


def session_members(leader: int) -> Iterator[int]:
    """Processes of the session that `leader` led, also when the leader itself is gone (Linux only)."""
    for entry in PROC.glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:  # field 6 of stat: session id
            yield int(entry.parent.name)


def working_in(folder: Path) -> list[int]:
    """Processes whose working directory is `folder`, as far as this user may see (Linux only)."""
    found: list[int] = []
    for entry in PROC.glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if entry.readlink() == folder:
                found.append(int(entry.parent.name))
    return found


def sweep(folder: Path, marker: str) -> list[int]:
    """End what a killed supervisor left behind, and return the pids ended.

    A process counts as ours when it belongs to a recorded session and `marker` (this checkout's interpreter) is in its
    command line; anything else under a recorded number is left alone.
    """
    ended: list[int] = []
    for path in sorted(folder.glob("*.pid")):
        record = PidFile(path).read()
        leader = record[0] if record else 0
        members = [
            pid for pid in {leader, *session_members(leader)} if any(marker in part for part in command_line(pid))
        ]
        for pid in members if leader else []:
            send(pid, signal.SIGTERM)
        for pid in members if leader else []:
            if not wait_gone(pid, 5):
                send(pid, signal.SIGKILL)
            ended.append(pid)
        path.unlink(missing_ok=True)
    return ended
