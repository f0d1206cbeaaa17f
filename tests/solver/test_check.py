"""The judge: what breaks a plan, said in words, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.solver.check import judge
from app.solver.model import (
    Booked,
    Break,
    Certificate,
    Crew,
    Pin,
    Plan,
    Problem,
    Requirement,
    Route,
    Stop,
    Tier,
    Visit,
    Window,
)

HOUR = 3600
DAY = Window(8 * HOUR, 17 * HOUR)
LUNCH = Break(Window(11 * HOUR, 13 * HOUR), HOUR)
CARD = Certificate("metering", 2, Window(0, 24 * HOUR))
LEG = 600  # from any place to any other


def crew(name: str = "A", **changes: object) -> Crew:
    return replace(Crew(name, DAY, 0, 0, (CARD,)), **changes)  # type: ignore[arg-type]


def visit(name: str, place: int, **changes: object) -> Visit:
    return replace(Visit(name, place, HOUR, (Requirement("metering", 2),)), **changes)  # type: ignore[arg-type]


def problem(crews: list[Crew], visits: list[Visit]) -> Problem:
    size = 1 + len(visits)
    travel = np.full((size, size), LEG, dtype=np.int32)
    np.fill_diagonal(travel, 0)
    return Problem(tuple(crews), tuple(visits), travel, ("fuse",))


def plan(*routes: list[tuple[int, float]], breaks: tuple[int, ...] = ()) -> Plan:
    return Plan(tuple(Route(tuple(Stop(one, int(hour * HOUR)) for one, hour in stops), breaks) for stops in routes))


def codes(asked: Problem, made: Plan) -> list[str]:
    return [violation.code for violation in judge(asked, made).violations]


def test_a_plan_that_keeps_every_rule_costs_its_travel() -> None:
    asked = problem([crew()], [visit("one", 1), visit("two", 2)])
    verdict = judge(asked, plan([(0, 9), (1, 11)]))
    assert verdict.feasible
    assert verdict.cost == verdict.terms["travel"] == 3 * LEG


def test_a_crew_is_not_in_two_places_at_once() -> None:
    asked = problem([crew()], [visit("one", 1), visit("two", 2)])
    verdict = judge(asked, plan([(0, 9), (1, 10.1)]))
    (violation,) = verdict.violations
    assert (violation.code, violation.crew, violation.visit) == ("travel", "A", "two")
    assert violation.text == "service begins at 10:06:00, but the crew can be there at 10:10:00"


def test_a_crew_neither_leaves_before_its_shift_nor_comes_home_after_it() -> None:
    asked = problem([crew()], [visit("one", 1)])
    assert codes(asked, plan([(0, 8)])) == ["travel"]
    assert codes(asked, plan([(0, 15.9)])) == ["shift"]
    assert codes(replace(asked, crews=(crew(end=None),)), plan([(0, 15.9)])) == []


@pytest.mark.parametrize(
    ("begins", "said"),
    [(9.5, ["break", "break"]), (11, []), (12.5, []), (10.9, ["break"]), (13.5, ["break", "break"])],
)
def test_lunch_is_taken_in_its_window_and_not_during_a_service(begins: float, said: list[str]) -> None:
    asked = problem([crew(breaks=(LUNCH,))], [visit("one", 1), visit("two", 2)])
    made = plan([(0, 9), (1, 13.75)], breaks=(int(begins * HOUR),))
    assert sorted(codes(asked, made)) == said


def test_lunch_may_fall_into_a_drive_which_then_takes_longer() -> None:
    asked = problem([crew(breaks=(LUNCH,))], [visit("one", 1), visit("two", 2)])
    at_noon = (12 * HOUR,)
    assert codes(asked, plan([(0, 10.95), (1, 13.2)], breaks=at_noon)) == []
    assert codes(asked, plan([(0, 10.95), (1, 13.05)], breaks=at_noon)) == ["travel"]
    assert codes(asked, plan([(0, 9)])) == ["break"]  # none is taken at all


@pytest.mark.parametrize(
    "card",
    [
        Certificate("metering", 1, Window(0, 24 * HOUR)),
        Certificate("gas_pipe", 3, Window(0, 24 * HOUR)),
        Certificate("metering", 3, Window(0, 9 * HOUR + 1800)),
    ],
    ids=["too low", "another skill", "expires during the service"],
)
def test_a_grade_counts_only_for_its_skill_and_while_it_is_valid(card: Certificate) -> None:
    asked = problem([crew(certificates=(card,))], [visit("one", 1)])
    assert codes(asked, plan([(0, 9)])) == ["skill"]


def test_a_window_is_about_the_beginning_of_the_service() -> None:
    asked = problem([crew()], [visit("one", 1, windows=(Window(9 * HOUR, 10 * HOUR), Window(14 * HOUR, 15 * HOUR)))])
    assert codes(asked, plan([(0, 10)])) == []
    assert codes(asked, plan([(0, 14)])) == []
    assert codes(asked, plan([(0, 11)])) == ["window"]


def test_work_is_bounded_without_waiting() -> None:
    asked = problem([crew(max_work=2 * HOUR + 3 * LEG)], [visit("one", 1), visit("two", 2)])
    late = plan([(0, 9), (1, 15)])
    assert codes(asked, late) == []
    assert codes(replace(asked, crews=(crew(max_work=2 * HOUR),)), late) == ["max_work"]


def test_parts_must_be_on_the_van() -> None:
    asked = problem([crew(stock=(1,))], [visit("one", 1, parts=(1,)), visit("two", 2, parts=(1,))])
    assert codes(asked, plan([(0, 9)])) == []
    assert codes(asked, plan([(0, 9), (1, 11)])) == ["parts"]


def test_two_crews_begin_together_and_hold_both_skills() -> None:
    helper = crew("B", certificates=(Certificate("gas_pipe", 1, Window(0, 24 * HOUR)),))
    asked = problem([crew("A"), helper, crew("C")], [visit("one", 1, second=(Requirement("gas_pipe"),))])
    assert codes(asked, plan([(0, 9)], [(0, 9.05)], [])) == []
    assert codes(asked, plan([(0, 9)], [(0, 9.5)], [])) == ["rendezvous"]
    assert codes(asked, plan([(0, 9)], [], [(0, 9)])) == ["skill"]
    assert codes(asked, plan([(0, 9)], [], [])) == ["crews"]


def test_pins_hold_what_was_agreed() -> None:
    agreed = Booked((0,), 9 * HOUR)

    def day(pin: Pin) -> Problem:
        return problem([crew("A"), crew("B")], [visit("one", 1, pin=pin, booked=agreed)])

    other_crew, other_time, nobody = plan([], [(0, 9)]), plan([(0, 10)], []), plan([], [])
    assert [codes(day(Pin.FROZEN), one) for one in (other_crew, other_time, nobody)] == [["pin"]] * 3
    assert [codes(day(Pin.SAME_CREW), one) for one in (other_crew, other_time, nobody)] == [["pin"], [], []]
    assert [codes(day(Pin.SAME_DAY), one) for one in (other_crew, other_time, nobody)] == [[], [], []]


def test_what_is_left_out_late_or_moved_is_priced_by_tier() -> None:
    agreed = Booked((0,), 9 * HOUR)
    asked = problem(
        [crew("A"), crew("B")],
        [
            visit("plain", 1),
            visit("critical", 2, tier=Tier.CRITICAL, priority=50),
            visit("promised", 3, pin=Pin.SAME_DAY),
            visit("booked", 4, pin=Pin.SAME_DAY, booked=agreed),
            visit("due", 5, due=10 * HOUR, tier=Tier.PRIORITY, wish=frozenset({0})),
        ],
    )
    terms = judge(asked, plan([], [(3, 9.5), (4, 11)])).terms
    assert terms["left_out"] == 20_000 + 300_000 + 220_000
    assert (terms["moved"], terms["shifted"], terms["late"], terms["unwished"]) == (900, 300, 4 * HOUR, 300)


def test_a_plan_of_another_day_is_not_read() -> None:
    asked = problem([crew()], [visit("one", 1)])
    assert codes(asked, plan([], [])) == ["shape"]
    assert codes(asked, plan([(7, 9)])) == ["shape"]
