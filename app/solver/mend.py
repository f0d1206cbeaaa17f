"""What VROOM does not know, put right after it: too much work in a day, half of a visit for two crews."""

from __future__ import annotations

from collections import Counter

from app.solver.cost import work_of
from app.solver.model import Pin, Problem, Route


def mend(problem: Problem, routes: dict[int, Route], elsewhere: Counter[int]) -> dict[int, Route]:
    """Routes without what breaks those rules: stops are taken out, never moved, so that the rest stays in time.

    `elsewhere` counts the stops that crews outside `routes` have at visits for two. The travel matrix keeps the
    triangle's rule (shortest ways, rounded up), so a route without a stop is no longer than before.
    """
    bounded = {crew: _bounded(problem, crew, route) for crew, route in routes.items()}
    made = Counter(stop.visit for route in bounded.values() for stop in route.stops) + elsewhere
    broken = {visit for visit, count in made.items() if count != problem.visits[visit].crews}
    return {crew: without(route, broken) for crew, route in bounded.items()}


def without(route: Route, visits: set[int]) -> Route:
    """A route that leaves these visits out."""
    stops = tuple(stop for stop in route.stops if stop.visit not in visits)
    return Route(stops, route.breaks) if stops else Route()


def _bounded(problem: Problem, crew: int, route: Route) -> Route:
    """The route, the cheapest visits taken out until the work is no more than the crew may do."""
    bound = problem.crews[crew].max_work
    while bound is not None and route.stops and work_of(problem, problem.crews[crew], route) > bound:
        loose = [stop.visit for stop in route.stops if problem.visits[stop.visit].pin is not Pin.FROZEN]
        if not loose:
            return route  # the judge will say so
        route = without(route, {min(loose, key=lambda one: (problem.prices.leaving_out(problem.visits[one]), one))})
    return route
