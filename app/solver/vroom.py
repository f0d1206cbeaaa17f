"""Any part of a day solved by VROOM, from nothing, without a time limit: the same part always gives the same routes.

VROOM knows travel, skills, windows, breaks, parts and priorities; what it does not know (pairs of crews, bounds of
work, prices) is arranged before (`app.solver.tasks`) or mended after (`app.solver.mend`); the judge has the last word.
A timeout is never given: with one, VROOM answers worse than at its lowest level without. It holds Python's lock while
it works: long solves belong into a process of their own (`app.solver.child`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from app.solver.model import Break, Crew, Problem, Requirement, Route, Stop, Visit
from app.solver.tasks import Task

QUICK, PART, THOROUGH = 0, 1, 3  # exploration levels: a whole large day, a few crews, a whole small day

_PROFILE = "day"
EMPTY: Mapping[int, list[int]] = {}
_OWN = 1_000_000  # the number of the skill that only this crew has
_PRICE_OF_ONE = 4_200  # VROOM's priorities go to 100, where the price of a dropped critical visit is


@cache
def _vroom() -> Any:
    """The engine, loaded when a part is first solved: it brings pandas, 40 MiB that most web processes never need."""
    return import_module("vroom")


def solve(
    problem: Problem, crews: Sequence[int], tasks: Sequence[Task], *, level: int, warm: Mapping[int, list[int]] = EMPTY
) -> dict[int, Route]:
    """The routes of these crews over these tasks; tasks that found no place are in none of them.

    `warm` has for each crew the tasks (by number) it begins with, in order; without, all begin with nothing.
    """
    if not tasks or not crews:  # VROOM takes that for a mistake
        return {crew: Route() for crew in crews}
    asked = _vroom().Input()
    rows = _Rows()
    skills = _Skills()
    vehicles = [_vehicle(problem, crew, rows, skills, warm.get(crew, [])) for crew in crews]
    jobs = [_job(problem, number, task, rows, skills) for number, task in enumerate(tasks)]
    asked.set_durations_matrix(_PROFILE, rows.of(problem))
    asked.add_vehicle(vehicles)
    asked.add_job(jobs)
    try:
        found = asked.solve(exploration_level=level, nb_threads=1)
    except _vroom()._vroom.VroomInputException:  # it may take a feasible start with a break for an infeasible one
        if not warm:
            raise
        return solve(problem, crews, tasks, level=level)
    return _routes(problem, crews, tasks, np.asarray(found._routes_numpy()).tolist())


class _Rows:
    """The places a part touches, and their rows in its own small matrix."""

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}

    def __call__(self, place: int) -> int:
        return self._rows.setdefault(place, len(self._rows))

    def of(self, problem: Problem) -> Any:
        places = list(self._rows)
        return problem.travel[np.ix_(places, places)].astype(np.uint32)


class _Skills:
    """Numbers for skills at grades: a crew has the number of every grade up to the one it holds."""

    def __init__(self) -> None:
        self._numbers: dict[Requirement, int] = {}

    def __call__(self, need: Requirement) -> int:
        return self._numbers.setdefault(need, len(self._numbers) + 1)


def _vehicle(problem: Problem, place: int, rows: _Rows, skills: _Skills, first: list[int]) -> Any:
    crew = problem.crews[place]
    held = {skills(Requirement(one.skill, grade)) for one in crew.certificates
            if one.valid.start <= crew.shift.start and crew.shift.end <= one.valid.end
            for grade in range(1, one.grade + 1)}  # fmt: skip
    return _vroom().Vehicle(
        place,
        start=rows(crew.start),
        end=None if crew.end is None else rows(crew.end),
        profile=_PROFILE,
        capacity=_amounts(problem, crew.stock),
        skills=held | {_OWN + place},
        time_window=_vroom().TimeWindow(*crew.shift),
        steps=_steps(first),
        breaks=[_rest(number, rest) for number, rest in enumerate(crew.breaks)],
    )


def _steps(first: list[int]) -> list[Any]:
    if not first:
        return []
    return [
        _vroom().VehicleStepStart(),
        *(_vroom().VehicleStepSingle(number) for number in first),
        _vroom().VehicleStepEnd(),
    ]


def _rest(number: int, rest: Break) -> Any:
    return _vroom().Break(number, time_windows=[_vroom().TimeWindow(*rest.window)], service=rest.lasts)


def _job(problem: Problem, number: int, task: Task, rows: _Rows, skills: _Skills) -> Any:
    visit = problem.visits[task.visit]
    needs = {skills(need) for need in visit.requires} if visit.second is None else set()
    return _vroom().Job(
        number,
        rows(visit.place),
        default_service=visit.service,
        delivery=_amounts(problem, visit.parts),
        skills=needs if task.crew is None else needs | {_OWN + task.crew},
        priority=priority(problem, visit),
        time_windows=[_vroom().TimeWindow(*window) for window in task.windows],
    )


def priority(problem: Problem, visit: Visit) -> int:
    """The price of leaving a visit out on VROOM's scale of 0 to 100."""
    return max(1, min(100, round(problem.prices.leaving_out(visit) / _PRICE_OF_ONE)))


def _amounts(problem: Problem, held: Iterable[int]) -> list[int]:
    known = list(held)
    return known + [0] * (len(problem.parts) - len(known))


def _routes(
    problem: Problem, crews: Sequence[int], tasks: Sequence[Task], steps: list[tuple[Any, ...]]
) -> dict[int, Route]:
    stops: dict[int, list[Stop]] = {crew: [] for crew in crews}
    rests: dict[int, dict[int, int]] = {crew: {} for crew in crews}
    for crew, kind, arrival, _, _, _, waits, *_, number, _ in steps:
        if kind == b"job":
            stops[crew].append(Stop(tasks[number].visit, arrival + waits))
        elif kind == b"break":
            rests[crew][number] = arrival + waits
    return {crew: _route(problem.crews[crew], stops[crew], rests[crew]) for crew in crews}


def _route(crew: Crew, stops: list[Stop], rests: dict[int, int]) -> Route:
    if not stops:
        return Route()
    return Route(tuple(stops), tuple(rests[number] for number in range(len(crew.breaks)) if number in rests))
