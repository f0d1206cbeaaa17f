"""A solver in a process of its own: told of every better plan, and ended from outside at its deadline or sooner."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import IO, Any

from app.solver.model import Plan
from app.solver.packed import plan_of

ROUNDS = 100_000  # never reached: time is what ends a search
TICK_S = 0.25
GRACE_S = 30  # for the first plan, whatever the deadline: a large day on a busy machine


class SolverFailed(Exception):
    """The solver ended without a plan; the message is the last of what it said."""


@dataclass(frozen=True)
class Found:
    """A plan, its cost, after how many rounds and seconds."""

    plan: Plan
    cost: int
    left_out: int
    rounds: int
    seconds: float


def solve(packed: bytes, *, seed: int, seconds: float, tick: Callable[[Found | None], bool]) -> Found:
    """The best plan within so many seconds.

    `tick` is called about four times a second with the best so far; it answers whether to go on.

    Raises:
        SolverFailed: there was no plan by then, or the process broke.
    """
    best: Found | None = None
    began = monotonic()
    with _child(packed, seed, ROUNDS) as (lines, errors):
        while True:
            line = _next(lines)
            if line is None and not lines.alive():
                break
            if line is not None and "plan" in line:
                plan = plan_of(line["plan"])
                best = Found(plan, line["cost"], line["left_out"], line["rounds"], monotonic() - began)
            over = monotonic() - began > seconds + (0 if best else GRACE_S)
            if not tick(best) or over or (line is not None and "done" in line):
                break
        if best is None:
            raise SolverFailed(errors())
    return best


def repeat(packed: bytes, *, seed: int, rounds: int) -> Plan:
    """The plan that these inputs, this seed and so many rounds give.

    Raises:
        SolverFailed: the process broke.
    """
    with _child(packed, seed, rounds) as (lines, errors):
        last = None
        while (line := _next(lines)) is not None or lines.alive():
            last = line if line is not None and "plan" in line else last
        if last is None:
            raise SolverFailed(errors())
    return plan_of(last["plan"])


class _Lines:
    """What the process says, line by line, read by a thread so that waiting for it has an end."""

    def __init__(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        self._said: Queue[bytes] = Queue()
        self._thread = Thread(target=self._read, args=(said,), daemon=True)
        self._thread.start()
        self._process = process

    def _read(self, said: IO[bytes]) -> None:
        for line in said:
            self._said.put(line)

    def get(self) -> bytes:
        return self._said.get(timeout=TICK_S)

    def alive(self) -> bool:
        """Whether more may come."""
        return self._thread.is_alive() or not self._said.empty()


def _next(lines: _Lines) -> dict[str, Any] | None:
    try:
        line: dict[str, Any] = json.loads(lines.get())
    except Empty:
        return None
    return line


@contextmanager
def _child(packed: bytes, seed: int, rounds: int) -> Iterator[tuple[_Lines, Callable[[], str]]]:
    """The process with its inputs in a file, ended whatever happens."""
    command = [sys.executable, "-m", "app.solver.child", str(seed), str(rounds)]
    with tempfile.TemporaryFile() as inputs, tempfile.TemporaryFile() as complaints:
        inputs.write(packed)
        inputs.seek(0)
        process = subprocess.Popen(command, stdin=inputs, stdout=subprocess.PIPE, stderr=complaints)  # noqa: S603 - ours
        try:
            if process.stdout is None:
                raise SolverFailed("no pipe")
            yield _Lines(process, process.stdout), lambda: _tail(complaints)
        finally:
            process.kill()
            process.wait()


def _tail(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    return complaints.read()[-2_000:].decode(errors="replace")
