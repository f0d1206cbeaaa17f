"""Sixty emergencies break into a full day: how long the ladder takes, what it keeps, and a cold re-solve beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import numpy as np

from app.bench.days import HOUR, OPEN, day
from app.bench.figures import Figure, at_least, at_most, percentile
from app.kernel.unit_of_work import Runtime
from app.solver import start, vroom
from app.solver.check import judge
from app.solver.ladder import Decision, changes, decide
from app.solver.model import Pin, Plan, Problem, Requirement, Tier, Visit, Window
from app.solver.rest import rest_of_day
from app.solver.tasks import single

VISITS, CREWS, DAY_SEED, EVENT_SEED = 1_000, 60, 1, 7
BREAK_INS, COLD = 60, 3
SOLVER_MS, MOVED, DROPPED = 150.0, 1.0, 0.8
PROMISES_MIN = (45, 90, 120)


def measure(_runtime: Runtime) -> Iterator[Figure]:
    """The ladder over replayed break-ins, each into the same untouched day; a cold re-solve of a few as reference."""
    problem = day(VISITS, CREWS, DAY_SEED)
    plan = start.whole(problem)
    events = [rest_of_day(problem, plan, *event) for event in _break_ins(problem)]
    took, decisions = [], []
    for event in events:
        judge(event[0], event[1])  # the matrix is read before anything breaks in, as where a day is kept in memory
        began = time.process_time()
        decisions.append(decide(*event))
        took.append((time.process_time() - began) * 1000)
    cold_ms, cold_moved = _cold(events[:COLD])
    told = f"{VISITS} visits, {CREWS} crews, {BREAK_INS} break-ins; a cold re-solve takes {cold_ms:.0f} ms"
    made = [decision for decision in decisions if decision is not None and _stands(decision)]
    yield at_most(
        "dispatch.live.p95", percentile(took, 0.95), "ms", SOLVER_MS, f"CPU, median {median(took):.1f}; {told}"
    )
    yield at_least("dispatch.live.in_time", len(made) / BREAK_INS, "", 1.0, f"the judge passes each plan; {told}")
    moved = sum(len(decision.moved) for decision in made) / BREAK_INS
    yield at_most("dispatch.live.moved", moved, "/event", MOVED, f"a cold re-solve moves {cold_moved:.0f}; {told}")
    dropped = sum(len(decision.dropped) for decision in made) / BREAK_INS
    thawed = sum(decision.thawed for decision in made)
    yield at_most("dispatch.live.dropped", dropped, "/event", DROPPED, f"{thawed} let frozen visits loose; {told}")


def _break_ins(problem: Problem) -> Iterator[tuple[int, Visit]]:
    """When they are reported, and what they ask for: two trades, three grades, three promises, an hour of work."""
    random = np.random.default_rng(EVENT_SEED)
    for number in range(BREAK_INS):
        now = int(random.integers(OPEN, OPEN + 7 * HOUR))
        trade, grade = str(random.choice(("power", "gas"))), int(random.choice((1, 2, 3), p=(0.5, 0.35, 0.15)))
        due = now + int(random.choice(PROMISES_MIN)) * 60
        place = int(random.integers(len(problem.crews), len(problem.travel)))
        needs, windows = (Requirement(trade, grade),), (Window(now, now + 4 * HOUR),)
        yield now, Visit(f"U{number}", place, HOUR, needs, None, windows, due, tier=Tier.CRITICAL, pin=Pin.SAME_DAY)


def _stands(decision: Decision) -> bool:
    return decision.in_time and judge(decision.problem, decision.plan).feasible


def _cold(events: list[tuple[Problem, Plan, int]]) -> tuple[float, float]:
    """Median milliseconds and moved visits when everything open is solved anew."""
    took, moved = [], []
    for problem, plan, _ in events:
        began = time.process_time()
        tasks = [single(problem, one) for one in range(len(problem.visits))]
        routes = vroom.solve(problem, range(len(problem.crews)), tasks, level=vroom.PART)
        took.append((time.process_time() - began) * 1000)
        anew = Plan(tuple(routes[crew] for crew in range(len(problem.crews))))
        moved.append(len(changes(problem, plan, anew)[0]))
    return median(took), median(moved)
