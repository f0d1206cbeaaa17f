"""Day plans against one whole VROOM solve in the same run, each in a process of its own so that CPU and memory are its.

A day of 1,000 visits and 60 crews: the whole solve runs to its end, the loop gets as many CPU seconds. A day of 5,000
and 300: the whole solve is ended at its limit, and what it has by then (nothing: VROOM tells no plan on its way) is
what it counts for. Every plan is judged here, not where it was made. The sweep plans small days with all that a day
can hold and counts those that break a hard rule.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.bench.days import day
from app.bench.figures import Figure, at_most
from app.kernel.unit_of_work import Runtime
from app.solver.check import judge
from app.solver.day import plan_day
from app.solver.model import Plan, Problem
from app.solver.packed import pack, plan_json, plan_of, unpack
from app.solver.start import whole

RATIO, FIRST_S = 0.9, 2.5
LARGE_FIRST_S, LARGE_S, MEMORY_MIB = 15.0, 60.0, 1024.0
SWEPT = int(os.environ.get("BENCH_INSTANCES", "1000"))  # days of the sweep
SEED = 1


@dataclass(frozen=True)
class Run:
    """The plans a process told, each with the CPU seconds it had used by then; its whole CPU and memory."""

    plans: Sequence[tuple[float, dict[str, Any]]]
    cpu_s: float
    peak_mib: float

    @property
    def last(self) -> Plan:
        """The best."""
        return plan_of(self.plans[-1][1]["plan"])


def measure(_: Runtime) -> Iterator[Figure]:
    """Every figure of day plans."""
    yield from _middle(day(1_000, 60, 0))
    yield from _large(day(5_000, 300, 0))
    yield _sweep()


def _middle(problem: Problem) -> Iterator[Figure]:
    packed, told = pack(problem), "1,000 visits, 60 crews"
    whole = run(packed, "whole", limit_s=900)
    ours = run(packed, "loop", limit_s=whole.cpu_s)
    yield at_most("dispatch.plan.first", ours.plans[0][0], "s CPU", FIRST_S, told)
    cost, theirs = judge(problem, ours.last), judge(problem, whole.last)
    wrong = len(cost.violations) + len(theirs.violations)
    reference = f"{told}: {cost.cost:,} against {theirs.cost:,} of one whole solve, {whole.cpu_s:.0f} s CPU each"
    yield at_most("dispatch.plan.cost", cost.cost / theirs.cost, "ratio", RATIO, reference)
    yield at_most("dispatch.plan.memory", ours.peak_mib, "MiB", MEMORY_MIB, told)
    yield at_most("dispatch.plan.broken", wrong, "rules", 0, "of both plans, by the judge")


def _large(problem: Problem) -> Iterator[Figure]:
    packed, told = pack(problem), "5,000 visits, 300 crews"
    ours = run(packed, "loop", limit_s=LARGE_S)
    whole = run(packed, "whole", limit_s=LARGE_S)
    verdict = judge(problem, ours.last)
    nobody = judge(problem, Plan.empty(problem)).cost
    theirs = judge(problem, whole.last).cost if whole.plans else nobody
    yield at_most("dispatch.plan.large.first", ours.plans[0][0], "s CPU", LARGE_FIRST_S, told)
    had = "has a plan" if whole.plans else "has none yet"
    reference = f"{told}: {verdict.cost:,}; the whole solve {had} after {LARGE_S:.0f} s CPU"
    yield at_most("dispatch.plan.large.cost", verdict.cost / theirs, "ratio", 1.0, reference)
    yield at_most("dispatch.plan.large.broken", len(verdict.violations), "rules", 0, told)
    yield at_most("dispatch.plan.large.memory", ours.peak_mib, "MiB", MEMORY_MIB, told)


class _Deaf:
    def stop(self) -> bool:
        return False

    def better(self, plan: Plan, cost: int, rounds: int) -> None:
        pass


def _sweep() -> Figure:
    """Small days with everything in them."""
    broken = 0
    for seed in range(SWEPT):
        problem = day(5 + seed % 45, 1 + seed % 9, seed, mixed=True)
        plan, _ = plan_day(problem, seed=seed, rounds=2, watch=_Deaf())
        broken += bool(judge(problem, plan).violations)
    return at_most("dispatch.plan.swept", broken, "plans", 0, f"that break a hard rule, of {SWEPT:,} random days")


def run(packed: bytes, how: str, *, limit_s: float) -> Run:
    """A process that makes a plan, ended after so many CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with tempfile.TemporaryFile() as inputs:
        inputs.write(packed)
        inputs.seek(0)
        command = [sys.executable, "-m", "app.bench.plans", how, str(limit_s)]
        done = subprocess.run(command, stdin=inputs, stdout=subprocess.PIPE, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    plans = [(line["cpu_s"], line) for line in lines if "plan" in line]
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    peak = next((line["peak_mib"] for line in reversed(lines) if "peak_mib" in line), 0.0)
    return Run(plans, lines[-1]["cpu_s"] if lines else spent, peak)


class _Told:
    """Every better plan as a line with the CPU seconds used since the problem was read; ends at the limit."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s, self.began, self.told_at = limit_s, time.process_time(), -1e9

    def used(self) -> float:
        return time.process_time() - self.began

    def stop(self) -> bool:
        return self.used() > self.limit_s

    def better(self, plan: Plan, cost: int, rounds: int) -> None:
        if rounds and self.used() - self.told_at < self.limit_s / 50:
            return
        self.told_at = self.used()
        self.say(plan, cost)

    def say(self, plan: Plan, cost: int) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"cpu_s": self.used(), "cost": cost, "plan": plan_json(plan), "peak_mib": peak}), flush=True)


def main(how: str, limit_s: float) -> None:
    """Make a plan of what comes in, by `whole` or `loop`."""
    problem = unpack(sys.stdin.buffer.read())
    told = _Told(limit_s)
    if how == "whole":
        hard = int(time.process_time() + limit_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
        plan = whole(problem)
    else:
        plan, _ = plan_day(problem, seed=SEED, rounds=10**9, watch=told)
    told.say(plan, judge(problem, plan).cost)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
