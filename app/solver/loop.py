"""A plan made better, round by round: visits near a place leave their crews, and these are solved again.

What stays where it was is VROOM's start, what left is put back wherever it fits best, also on other crews of the part.
Nothing leaving, VROOM would find nothing: it stands at its own local optimum. From nothing a part takes four times as
long and ends no better (1,000 visits, 60 crews, 20 s: 343,000 against 391,000).

A round is kept when the judge finds the part no dearer and no rule broken. The same problem, start, seed and number of
rounds give the same plan; time only decides how many rounds there are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import numpy as np

from app.solver import vroom
from app.solver.check import judge
from app.solver.mend import mend
from app.solver.model import Plan, Problem, Visit
from app.solver.tasks import Task, able, half, halves, single, together

CREWS = 6  # of one round
LEAVE = (10, 30)  # visits that leave their crews in one round, from and to
PATIENCE = 40  # rounds without gain after which a search ends, and four more for every crew
TOWARDS_LEFT_OUT = 0.5  # how often a round begins at a visit that nobody makes
LEFT_OUT_TRIED = 24  # visits that nobody makes, tried in one round


class Watch(Protocol):
    """Who looks on: may end the work, and hears of every better plan."""

    def stop(self) -> bool:
        """Whether to end with the best plan so far."""

    def better(self, plan: Plan, cost: int, rounds: int) -> None:
        """A plan that is cheaper than those before, after so many rounds."""


@dataclass
class Search:
    """A plan on its way. `left` are the visits that nobody makes."""

    problem: Problem
    plan: Plan
    random: Random
    left: set[int] = field(default_factory=set)
    able: dict[tuple[int, int], bool] = field(default_factory=dict)

    def can(self, crew: int, visit: int) -> bool:
        """`tasks.able`, remembered."""
        known = self.able.get((crew, visit))
        if known is None:
            known = self.able[crew, visit] = able(self.problem, crew, self.problem.visits[visit])
        return known


def improve(problem: Problem, plan: Plan, *, seed: int, rounds: int, watch: Watch) -> tuple[Plan, int]:
    """The best plan after `rounds`, or when the watch says stop, and how many rounds were made."""
    search = Search(problem, plan, Random(seed), set(plan.left_out(problem)))
    cost = judge(problem, plan).cost
    gained_at = 0
    for done in range(rounds if problem.visits and problem.crews else 0):
        if watch.stop() or done - gained_at > PATIENCE + 4 * len(problem.crews):
            return search.plan, done
        gain = _round(search)
        if gain:
            cost, gained_at = cost - gain, done
            watch.better(search.plan, cost, done + 1)
    return search.plan, rounds


def _round(search: Search) -> int:
    """One round; how much cheaper the plan has become."""
    problem, plan = search.problem, search.plan
    seed = _seed(search)
    crews = _neighbours(search, seed)
    tried = _left_out_near(search, seed, crews)
    tasks, touched, elsewhere = _tasks(search, crews, tried)
    stay = _stay(search, seed, crews, tasks)
    found = mend(problem, vroom.solve(problem, crews, tasks, level=vroom.QUICK, warm=stay), elsewhere)
    routes = tuple(found.get(crew, route) for crew, route in enumerate(plan.routes))
    before = judge(problem, plan, crews=crews, visits=touched)
    after = judge(problem, Plan(routes), crews=crews, visits=touched)
    if not after.feasible or after.cost > before.cost:
        return 0
    search.plan = Plan(routes)
    search.left = set(search.plan.left_out(problem))
    return before.cost - after.cost


def _seed(search: Search) -> int:
    """The visit around which a round is made."""
    if search.left and search.random.random() < TOWARDS_LEFT_OUT:
        return search.random.choice(sorted(search.left))
    return search.random.randrange(len(search.problem.visits))


def _neighbours(search: Search, seed: int) -> list[int]:
    """Crews whose stops or homes are nearest to a visit; half of them, if there are, able to make it."""
    problem = search.problem
    here = problem.visits[seed].place
    at = [(crew, problem.crews[crew].start) for crew in range(len(problem.crews))]
    at += [(crew, problem.visits[stop.visit].place) for crew, stop in search.plan.stops()]
    whose, places = np.array(at, dtype=np.intp).T
    noise = np.array([search.random.uniform(0.8, 1.25) for _ in problem.crews])
    order = whose[np.argsort(problem.travel[here, places] * noise[whose], kind="stable")]
    ranked = list(dict.fromkeys(order.tolist()))
    first = [crew for crew in ranked if search.can(crew, seed)][: CREWS // 2]
    return (first + [crew for crew in ranked if crew not in first])[:CREWS]


def _left_out_near(search: Search, seed: int, crews: list[int]) -> list[int]:
    """Visits that nobody makes and one of these crews could, nearest first."""
    problem = search.problem
    here = problem.ways[problem.visits[seed].place]
    fitting = [one for one in search.left if any(search.can(crew, one) for crew in crews)]
    return sorted(fitting, key=lambda one: (here[problem.visits[one].place], one))[:LEFT_OUT_TRIED]


def _tasks(search: Search, crews: list[int], tried: list[int]) -> tuple[list[Task], set[int], Counter[int]]:
    """What these crews are asked, the visits that may change by it, and stops at visits for two of other crews."""
    problem, made, elsewhere = search.problem, together(search.plan), Counter[int]()
    tasks, touched = [], set(tried)
    for crew in crews:
        for stop in search.plan.routes[crew].stops:
            who = made[stop.visit]
            if problem.visits[stop.visit].second is None:
                tasks.append(single(problem, stop.visit, late=_late(problem.visits[stop.visit], stop.start)))
            elif all(one in crews for one in who):
                tasks += halves(problem, stop.visit, who) if stop.visit not in touched else []
            else:
                other = next(start for one, start in who.items() if one not in crews)
                tasks.append(half(problem, stop, crew, other))
                elsewhere[stop.visit] += 1
            touched.add(stop.visit)
    tasks += [single(problem, visit, late=True) for visit in tried if problem.visits[visit].second is None]
    return tasks, touched, elsewhere


def _stay(search: Search, seed: int, crews: list[int], tasks: list[Task]) -> dict[int, list[int]]:
    """The tasks of each crew that stay where they are: all but some of those near a visit."""
    problem, chance = search.problem, search.random
    here = problem.ways[problem.visits[seed].place]
    routes = {crew: [stop.visit for stop in search.plan.routes[crew].stops] for crew in crews}
    singles = [one for route in routes.values() for one in route if problem.visits[one].second is None]
    near = sorted(singles, key=lambda one: here[problem.visits[one].place] * chance.uniform(0.7, 1.4))
    leave = set(near[: chance.randint(*LEAVE)])
    number = {task.visit: place for place, task in enumerate(tasks) if problem.visits[task.visit].second is None}
    return {
        crew: [number[one] for one in route if one in number and one not in leave] for crew, route in routes.items()
    }


def _late(visit: Visit, start: int) -> bool:
    return visit.due is not None and start > visit.due
