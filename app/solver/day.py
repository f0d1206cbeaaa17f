"""A day from nothing to a good plan: a first one soon, the whole in one solve where the day is small, then the loop."""

from __future__ import annotations

from app.solver import start, vroom
from app.solver.check import judge
from app.solver.loop import Watch, improve
from app.solver.model import Plan, Problem

SMALL = 250  # visits: such a day is solved whole in less than a second, and no split can be bad


def plan_day(problem: Problem, *, seed: int, rounds: int, watch: Watch) -> tuple[Plan, int]:
    """The best plan found and the number of rounds made; the watch hears of every better one on the way.

    What the judge does not pass is never told to the watch: where a start breaks a rule, the loop begins with the
    plan in which nobody goes anywhere.
    """
    plan = _start(problem, watch)
    watch.better(plan, judge(problem, plan).cost, 0)
    return improve(problem, plan, seed=seed, rounds=rounds, watch=watch)


def _start(problem: Problem, watch: Watch) -> Plan:
    """The better of two starts: groups of neighbours, and the whole day where it is small."""
    plans = [start.in_groups(problem, watch.stop)]
    if len(problem.visits) <= SMALL and not watch.stop():
        plans.append(start.whole(problem, vroom.PART))
    verdicts = [(judge(problem, plan), plan) for plan in plans]
    passed = [(verdict.cost, place, plan) for place, (verdict, plan) in enumerate(verdicts) if verdict.feasible]
    return min(passed)[2] if passed else Plan.empty(problem)
