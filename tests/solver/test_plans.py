"""Plans of random days: no hard rule is ever broken, a row gives one plan, and what is left out says why."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bench.days import day
from app.solver.check import judge
from app.solver.day import plan_day
from app.solver.explain import why_left_out
from app.solver.model import (
    Booked,
    Certificate,
    Crew,
    Pin,
    Plan,
    Problem,
    Requirement,
    Visit,
    Window,
)
from app.solver.packed import digest, pack, plan_json, plan_of, unpack

HOUR = 3600


@dataclass
class Onlooker:
    """Hears of every better plan; ends the work after so many."""

    most: int = 1_000
    heard: list[tuple[int, int]] = field(default_factory=list)

    def stop(self) -> bool:
        return len(self.heard) >= self.most

    def better(self, plan: Plan, cost: int, rounds: int) -> None:
        self.heard.append((rounds, cost))


@settings(max_examples=24, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(visits=st.integers(0, 30), crews=st.integers(0, 8), seed=st.integers(0, 10_000))
def test_no_plan_breaks_a_hard_rule(visits: int, crews: int, seed: int) -> None:
    problem = day(visits, crews, seed, mixed=True)
    onlooker = Onlooker()
    plan, _ = plan_day(problem, seed=seed, rounds=3, watch=onlooker)
    verdict = judge(problem, plan)
    assert verdict.violations == ()
    costs = [cost for _, cost in onlooker.heard]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == verdict.cost  # sums of parts, told on the way, are the whole's price


def test_the_same_row_gives_the_same_plan_in_another_process() -> None:
    packed = pack(day(24, 5, 7, mixed=True))
    here, rounds = plan_day(unpack(packed), seed=3, rounds=2, watch=Onlooker())
    command = [sys.executable, "-m", "app.solver.child", "3", "2"]
    told = subprocess.run(command, input=packed, capture_output=True, check=True).stdout.splitlines()  # noqa: S603
    *plans, last = map(json.loads, told)
    assert last == {"done": rounds}
    assert plan_of(plans[-1]["plan"]) == here
    assert json.loads(json.dumps(plan_json(here))) == plans[-1]["plan"]


def test_inputs_are_kept_whole_and_named_by_what_they_say() -> None:
    problem = day(12, 3, 1, mixed=True)
    again = unpack(pack(problem))
    assert (again.crews, again.visits, again.prices, again.parts) == (
        problem.crews, problem.visits, problem.prices, problem.parts,
    )  # fmt: skip
    assert np.array_equal(again.travel, problem.travel)
    assert digest(pack(again)) == digest(pack(problem))
    assert digest(pack(replace(problem, visits=problem.visits[1:]))) != digest(pack(problem))


def test_more_rounds_never_make_a_plan_dearer_and_a_watch_may_end_them() -> None:
    problem = day(60, 8, 5)
    onlooker = Onlooker(most=2)
    plan, rounds = plan_day(problem, seed=1, rounds=50, watch=onlooker)
    assert rounds < 50
    assert judge(problem, plan).cost == onlooker.heard[-1][1] < onlooker.heard[0][1]


CREW = Crew("A", Window(8 * HOUR, 17 * HOUR), 0, 0, (Certificate("gas_pipe", 1, Window(0, 24 * HOUR)),))
GAS = Visit("one", 1, HOUR, (Requirement("gas_pipe"),))


@pytest.mark.parametrize(
    ("visit", "code"),
    [
        (replace(GAS, requires=(Requirement("gas_pipe", 2),)), "no_skill"),
        (replace(GAS, windows=(Window(20 * HOUR, 21 * HOUR),)), "no_shift"),
        (replace(GAS, parts=(1,)), "no_parts"),
        (replace(GAS, pin=Pin.SAME_CREW, booked=Booked((1,), 9 * HOUR)), "pinned"),
        (replace(GAS, service=9 * HOUR), "no_room"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_left_out_says_why(visit: Visit, code: str) -> None:
    helpless = Crew("B", Window(8 * HOUR, 17 * HOUR), 0, 0)
    travel = np.array([[0, 600], [600, 0]], dtype=np.int32)
    problem = Problem((CREW, helpless), (visit,), travel, ("valve",))
    plan, _ = plan_day(problem, seed=1, rounds=2, watch=Onlooker())
    assert plan.left_out(problem) == (0,)
    assert why_left_out(problem, visit)[0] == code
    assert why_left_out(replace(problem, crews=()), visit)[0] == "no_crews"
