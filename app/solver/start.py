"""A first plan, soon: visits are dealt to near crews that can make them, then neighbours are solved together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from app.solver import vroom
from app.solver.mend import mend
from app.solver.model import Pin, Plan, Problem, Route
from app.solver.pair import pair_up
from app.solver.tasks import able, halves, single

GROUP = 10  # neighbouring crews solved together
SPARE = 1.15  # how much more is dealt to a crew than seems to fit: better too much at hand than too little
WAY_S = 600  # what a visit seems to take beside its service


def whole(problem: Problem, level: int = vroom.QUICK) -> Plan:
    """The whole day in one solve: the best start where there is time for it (about 10 s for 1,000 visits)."""
    agreed = pair_up(problem)
    tasks = [task for place in agreed for task in halves(problem, place, agreed[place])]
    tasks += [single(problem, place) for place, visit in enumerate(problem.visits) if visit.second is None]
    routes = vroom.solve(problem, range(len(problem.crews)), tasks, level=level)
    return _plan(problem, mend(problem, routes, Counter()))


def in_groups(problem: Problem, stop: Callable[[], bool] = lambda: False) -> Plan:
    """The day in groups of neighbouring crews, one after the other; what one group leaves out goes to the next."""
    can = _can(problem)
    dealt = _deal(problem, can)
    agreed = pair_up(problem)
    routes: dict[int, Route] = {}
    over: list[int] = []
    for crews in _groups(problem):
        if stop():
            break
        members = set(crews)
        mine = [visit for visit in dealt if dealt[visit] in members]
        mine += [visit for visit in over if can[visit, crews].any()]
        tasks = [single(problem, visit) for visit in mine]
        tasks += [task for visit in agreed for task in halves(problem, visit, agreed[visit]) if task.crew in members]
        found = vroom.solve(problem, crews, tasks, level=vroom.QUICK)
        routes |= found
        made = {stop.visit for route in found.values() for stop in route.stops}
        over = [visit for visit in {*over, *mine} if visit not in made]
    return _plan(problem, mend(problem, routes, Counter()))


def _plan(problem: Problem, routes: dict[int, Route]) -> Plan:
    return Plan(tuple(routes.get(crew, Route()) for crew in range(len(problem.crews))))


def _can(problem: Problem) -> NDArray[np.bool_]:
    """Visits × crews: who could ever make which alone."""
    kinds: dict[object, list[bool]] = {}
    rows = []
    for visit in problem.visits:
        free = visit.pin < Pin.SAME_CREW or visit.booked is None
        kind = (visit.requires, visit.second, visit.parts, visit.windows, None if free else visit.booked)
        if kind not in kinds:
            kinds[kind] = [able(problem, crew, visit) for crew in range(len(problem.crews))]
        rows.append(kinds[kind])
    return np.array(rows, dtype=np.bool_).reshape(len(problem.visits), len(problem.crews))


def _deal(problem: Problem, can: NDArray[np.bool_]) -> dict[int, int]:
    """A crew for each visit: the nearest that can make it and still has room; scarce and dear visits choose first."""
    homes = np.array([crew.start for crew in problem.crews], dtype=np.intp)
    room = np.array([(crew.shift.end - crew.shift.start) * SPARE for crew in problem.crews])
    singles = [place for place, visit in enumerate(problem.visits) if visit.second is None and can[place].any()]
    price = problem.prices.leaving_out
    dealt = {}
    for place in sorted(singles, key=lambda one: (-price(problem.visits[one]), int(can[one].sum()), one)):
        visit = problem.visits[place]
        takes = visit.service + WAY_S
        way = problem.travel[homes, visit.place] + np.where(room >= takes, 0.0, 1e7) + np.where(can[place], 0.0, 1e9)
        crew = int(way.argmin())
        room[crew] -= takes
        dealt[place] = crew
    return dealt


def _groups(problem: Problem) -> list[Sequence[int]]:
    """Crews by neighbourhood: the one that is farthest from all the others with its nearest, again and again."""
    homes = np.array([crew.start for crew in problem.crews], dtype=np.intp)
    ways = problem.travel[np.ix_(homes, homes)].astype(np.int64)
    left = list(range(len(problem.crews)))
    groups: list[Sequence[int]] = []
    while left:
        outer = left[int(ways[np.ix_(left, left)].sum(axis=1).argmax())]
        near = sorted(left, key=lambda crew: (int(ways[outer, crew]), crew))[:GROUP]
        groups.append(sorted(near))
        left = [crew for crew in left if crew not in near]
    return groups
