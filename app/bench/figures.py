"""One measured figure, how it is printed, and how CPU time is counted."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, text


class NotHere(Exception):
    """What a benchmark needs is not on this machine; the message says what."""


@dataclass(frozen=True)
class Figure:
    """`name value unit`, the goal it is held against, whether it holds, and what it is relative to."""

    name: str
    value: float
    unit: str
    goal: str
    holds: bool
    reference: str

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def at_most(name: str, value: float, unit: str, limit: float, reference: str) -> Figure:
    """A figure that must not be above `limit`."""
    return Figure(name, round(value, 3), unit, f"<= {limit:g}", value <= limit, reference)


def at_least(name: str, value: float, unit: str, limit: float, reference: str) -> Figure:
    """A figure that must not be below `limit`."""
    return Figure(name, round(value, 3), unit, f">= {limit:g}", value >= limit, reference)


def print_table(figures: Sequence[Figure]) -> None:
    """The figures for a reader, on stderr."""
    width = max((len(figure.name) for figure in figures), default=0)
    for figure in figures:
        mark = "✓" if figure.holds else "✗"
        print(
            f"{mark} {figure.name:<{width}}  {figure.value:>10g} {figure.unit:<6} {figure.goal:<10} {figure.reference}",
            file=sys.stderr,
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def backend_pid(connection: Connection) -> int:
    """The process that serves this connection."""
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def cpu_of(pid: int) -> float:
    """CPU seconds a process on this machine has used (user and system), from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waited_of(pid: int) -> float:
    """Seconds in which a process on this machine, all its threads, could have run and had no processor, from /proc."""
    waited = 0
    for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            waited += int(stat.read_text("ascii").split()[1])
    return waited / 1e9


def resident_mib(pid: int) -> float:
    """Resident memory of a process, MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def peak_mib(pid: int) -> float:
    """The most memory a process has had resident, MiB."""
    words = Path(f"/proc/{pid}/status").read_text("ascii").split()
    return int(words[words.index("VmHWM:") + 1]) / 1024


@dataclass(frozen=True)
class Cost:
    """What a repeated call cost: median wall milliseconds and mean CPU milliseconds of this process and its backend."""

    wall_ms: list[float]
    cpu_ms: float


def cost_of(call: Callable[[], object], *, times: int, pids: Sequence[int]) -> Cost:
    """Run `call` `times` times and count what it cost here and in the given processes."""
    wall: list[float] = []
    before = time.process_time() + sum(map(cpu_of, pids))
    for _ in range(times):
        started = time.perf_counter()
        call()
        wall.append((time.perf_counter() - started) * 1000)
    spent = time.process_time() + sum(map(cpu_of, pids)) - before
    return Cost(wall, spent * 1000 / times)
