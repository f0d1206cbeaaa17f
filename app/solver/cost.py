"""What a plan costs, in seconds of travel by name, and the sums that rules ask for too.

The cost is a sum over routes and visits, so that of a part of a problem (some crews and their visits) differs from the
whole's exactly as the parts do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from app.solver.model import Crew, Plan, Problem, Requirement, Route, Visit

Made = list[tuple[int, int]]  # crew and start of each stop at one visit


def work_of(problem: Problem, crew: Crew, route: Route) -> int:
    """Seconds of drives and services of a route."""
    return travel_of(problem, crew, route) + sum(problem.visits[stop.visit].service for stop in route.stops)


def travel_of(problem: Problem, crew: Crew, route: Route) -> int:
    """Seconds of drives of a route, the way out and the way home among them."""
    if not route.stops:
        return 0
    places = [crew.start, *(problem.visits[stop.visit].place for stop in route.stops)]
    if crew.end is not None:
        places.append(crew.end)
    return sum(problem.ways[one][other] for one, other in pairwise(places))


def meets(crew: Crew, needs: tuple[Requirement, ...], start: int, lasts: int) -> bool:
    """Whether each need is met by a certificate that is valid from the service's beginning to its end."""
    return all(grade_of(crew, need.skill, start, start + lasts) >= need.least for need in needs)


def grade_of(crew: Crew, skill: str, start: int, end: int) -> int:
    """The crew's best grade for a skill that is valid from `start` to `end`; 0 without."""
    fitting = (one.grade for one in crew.certificates
               if one.skill == skill and one.valid.start <= start and end <= one.valid.end)  # fmt: skip
    return max(fitting, default=0)


def terms_of(
    problem: Problem, plan: Plan, routes: Iterable[int], visits: Iterable[tuple[Visit, Made]]
) -> dict[str, int]:
    """Every term of the price of these routes and these visits, each with the stops at it."""
    terms = dict.fromkeys(("travel", "overload", "left_out", "late", "moved", "shifted", "unwished", "over_grade"), 0)
    for place in routes:
        crew, route = problem.crews[place], plan.routes[place]
        terms["travel"] += travel_of(problem, crew, route)
        if problem.fair_work is not None and route.stops:
            terms["overload"] += problem.prices.overload * max(0, work_of(problem, crew, route) - problem.fair_work)
    for visit, made in visits:
        for name, price in _visit_terms(problem, visit, made):
            terms[name] += price
    return terms


def _visit_terms(problem: Problem, visit: Visit, made: Made) -> Iterator[tuple[str, int]]:
    prices = problem.prices
    if not made:
        yield "left_out", prices.leaving_out(visit)
        return
    start = max(start for _, start in made)
    if visit.due is not None:
        yield "late", prices.late[visit.tier] * max(0, start - visit.due)
    if visit.booked is not None:
        yield "moved", prices.moved * len(set(visit.booked.crews) - {crew for crew, _ in made})
        yield "shifted", prices.shifted * (abs(start - visit.booked.start) > prices.shift_free)
    if visit.wish and not visit.wish & {crew for crew, _ in made}:
        yield "unwished", prices.unwished
    if visit.second is None:
        yield "over_grade", prices.over_grade * _grades_over(problem, visit, made[0])


def _grades_over(problem: Problem, visit: Visit, made: tuple[int, int]) -> int:
    crew, start = made
    held = (grade_of(problem.crews[crew], need.skill, start, start + visit.service) for need in visit.requires)
    return sum(max(0, grade - need.least) for grade, need in zip(held, visit.requires, strict=True))
