"""The process that solves one day: `python -m app.solver.child SEED ROUNDS`, the packed problem on its standard input.

VROOM holds Python's lock while it works, so a deadline can only be kept from outside: whoever started this reads one
JSON line for every better plan ({rounds, cost, left_out, plan}), keeps the last, and may end the process at any moment.
The last line has {done: rounds}. A plan of a row is made again by the same seed and the rounds of its line.
"""

from __future__ import annotations

import json
import sys

from app.solver.check import judge
from app.solver.day import plan_day
from app.solver.model import Plan, Problem
from app.solver.packed import plan_json, unpack


class Telling:
    """Writes every better plan as a line."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def stop(self) -> bool:
        """Never: the process is ended from outside."""
        return False

    def better(self, plan: Plan, cost: int, rounds: int) -> None:
        """One line."""
        left = len(plan.left_out(self.problem))
        say({"rounds": rounds, "cost": cost, "left_out": left, "plan": plan_json(plan)})


def say(line: dict[str, object]) -> None:
    """A line for whoever started this."""
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def main(seed: int, rounds: int) -> None:
    """Solve what comes in."""
    problem = unpack(sys.stdin.buffer.read())
    telling = Telling(problem)
    plan, done = plan_day(problem, seed=seed, rounds=rounds, watch=telling)
    telling.better(plan, judge(problem, plan).cost, done)
    say({"done": done})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
