"""Who goes: an urgent visit into a planned day, with the least disturbance, and never at a standard customer's cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.bench.days import HOUR, OPEN, day
from app.solver import start
from app.solver.check import judge
from app.solver.guard import pushed_out
from app.solver.ladder import Decision, decide
from app.solver.model import Booked, Pin, Plan, Problem, Requirement, Tier, Visit, Window
from app.solver.rest import rest_of_day
from tests.solver.test_check import crew, plan, problem, visit

EVERYWHEN = (Window(8 * HOUR, 16 * HOUR),)


def promised(name: str, place: int, at: float, by: int = 0, **changes: object) -> Visit:
    """A standard visit booked for a crew on this day, at any hour of it."""
    told = Booked((by,), int(at * HOUR))
    return visit(name, place, booked=told, **{"windows": EVERYWHEN, "pin": Pin.SAME_DAY, **changes})


def urgent(place: int, due: float, **changes: object) -> Visit:
    return visit("urgent", place, due=int(due * HOUR), **{"tier": Tier.CRITICAL, "pin": Pin.SAME_DAY, **changes})


def decided(asked: Problem, made: Plan) -> Decision:
    decision = decide(asked, made, len(asked.visits) - 1)
    assert decision is not None
    assert judge(decision.problem, decision.plan).feasible
    return decision


def test_where_there_is_room_nothing_else_moves() -> None:
    asked = problem([crew("A"), crew("B")], [promised("one", 1, 9), promised("two", 2, 13), urgent(3, 11)])
    decision = decided(asked, plan([(0, 9), (1, 13)], []))
    assert decision.in_time
    assert (decision.moved, decision.shifted, decision.dropped) == ((), (), ())


def test_a_visit_that_gives_way_finds_another_crew_inside_its_window() -> None:
    asked = problem(
        [crew("A"), crew("B", certificates=(), shift=Window(8 * HOUR, 17 * HOUR))],
        [promised("one", 1, 8.5, windows=(Window(8 * HOUR, 9 * HOUR),)), urgent(2, 9)],
    )
    anybody = replace(asked, visits=(replace(asked.visits[0], requires=()), asked.visits[1]))
    decision = decided(anybody, plan([(0, 8.5)], []))
    assert decision.in_time
    assert decision.crew == 0
    (moved,) = decision.moved
    assert (moved.crew, decision.dropped) == (1, ())
    assert moved.start is not None
    assert moved.start <= 9 * HOUR


def test_the_nearest_crew_is_always_named_with_the_reason_why_it_does_not_go() -> None:
    asked = problem([crew("A"), crew("B")], [promised("one", 1, 8.25, pin=Pin.FROZEN), urgent(2, 9)])
    decision = decided(asked, plan([(0, 8.25)], []))
    assert decision.crew == 1
    (rival,) = decision.rivals
    assert (rival.crew, rival.why) == (0, "late")
    assert rival.seconds is not None
    assert rival.seconds > 0


def test_only_an_emergency_lets_loose_what_is_frozen_and_says_so() -> None:
    frozen = promised("one", 1, 8.25, pin=Pin.FROZEN)
    made = plan([(0, 8.25)])
    emergency = decided(problem([crew("A")], [frozen, urgent(2, 9)]), made)
    assert (emergency.thawed, emergency.in_time) == (True, True)
    wish = decided(problem([crew("A")], [frozen, urgent(2, 9, tier=Tier.STANDARD)]), made)
    assert (wish.thawed, wish.in_time) == (False, False)


@pytest.mark.parametrize(
    "stands",
    [
        pytest.param({"tier": Tier.CRITICAL}, id="an emergency"),
        pytest.param({"tier": Tier.STANDARD}, id="what a standard customer was promised"),
    ],
)
def test_a_vip_visit_pushes_nobody_out(stands: dict[str, object]) -> None:
    other = promised("one", 1, 8.5, windows=(Window(8 * HOUR, 9 * HOUR),), **stands)
    vip = urgent(2, 9, tier=Tier.PRIORITY)
    asked, made = problem([crew("A")], [other, vip]), plan([(0, 8.5)])
    decision = decided(asked, made)
    assert (decision.dropped, decision.moved) == ((), ())
    assert not decision.in_time, "it waits"
    assert pushed_out(asked, made, plan([(1, 8.5)]), 1) == (0,), "whichever solver says so"


@pytest.mark.parametrize("seed", range(4))
def test_break_ins_into_full_days_pass_the_judge_and_come_out_the_same_twice(seed: int) -> None:
    whole = day(60, 8, seed)
    made = start.in_groups(whole)
    for number, tier in enumerate((Tier.CRITICAL, Tier.PRIORITY, Tier.STANDARD)):
        now = OPEN + (1 + number) * HOUR
        needs = (Requirement(("power", "gas", "metering")[number], 1 + seed % 3),)
        new = Visit("U", 8 + seed, HOUR, needs, None, (Window(now, now + 4 * HOUR),), now + 2 * HOUR, tier=tier)
        asked, before, place = rest_of_day(whole, made, now, replace(new, pin=Pin.SAME_DAY))
        decision = decide(asked, before, place)
        if decision is not None:
            assert judge(decision.problem, decision.plan).feasible
            assert pushed_out(asked, before, decision.plan, place) == ()
            again = decide(asked, before, place)
            assert again is not None
            assert again.plan == decision.plan
