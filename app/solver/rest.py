"""What is left of a day at one moment: crews where they are, what has begun taken out, the rest as it was promised."""

from __future__ import annotations

from dataclasses import replace

from app.solver.model import Booked, Break, Crew, Pin, Plan, Problem, Route, Stop, Visit, Window

BEFORE_START = 1_800  # seconds before its start a visit is frozen: the crew is as good as on its way


def rest_of_day(problem: Problem, plan: Plan, now: int, urgent: Visit) -> tuple[Problem, Plan, int]:
    """The open part of a day with an urgent visit in it, the plan for it without that visit, and the visit's number.

    A crew becomes free where and when its stop under way ends. What begins within `BEFORE_START` stands; everything
    else keeps its day and may change crew. What nobody makes is no matter of this visit's.
    """
    visits: list[Visit] = []
    crews, routes = [], []
    for place, (crew, route) in enumerate(zip(problem.crews, plan.routes, strict=True)):
        begun = [stop for stop in route.stops if stop.start - _drive(problem, crew, route, stop) <= now]
        rest = [stop for stop in route.stops if stop not in begun]
        stops = []
        for stop in rest:
            stops.append(Stop(len(visits), stop.start))
            visits.append(_kept(problem.visits[stop.visit], place, stop.start, now))
        crews.append(_from_now(problem, crew, route, begun, now))
        routes.append(Route(tuple(stops), tuple(begins for begins in route.breaks if begins >= now)))
    return replace(problem, crews=tuple(crews), visits=(*visits, urgent)), Plan(tuple(routes)), len(visits)


def _drive(problem: Problem, crew: Crew, route: Route, stop: Stop) -> int:
    at = route.stops.index(stop)
    here = crew.start if at == 0 else problem.visits[route.stops[at - 1].visit].place
    return problem.ways[here][problem.visits[stop.visit].place]


def _kept(visit: Visit, crew: int, start: int, now: int) -> Visit:
    pin = Pin.FROZEN if start <= now + BEFORE_START else max(visit.pin, Pin.SAME_DAY)
    return replace(visit, pin=pin, booked=Booked((crew,), start))


def _from_now(problem: Problem, crew: Crew, route: Route, begun: list[Stop], now: int) -> Crew:
    place, free = crew.start, max(crew.shift.start, now)
    if begun:
        last = problem.visits[begun[-1].visit]
        place, free = last.place, max(now, begun[-1].start + last.service)
    taken = zip(route.breaks or tuple(now for _ in crew.breaks), crew.breaks, strict=True)
    left = tuple(_open(rest, free) for begins, rest in taken if begins >= now or not route.stops)
    return replace(crew, start=place, shift=Window(min(free, crew.shift.end), crew.shift.end), breaks=left)


def _open(rest: Break, free: int) -> Break:
    return Break(Window(max(rest.window.start, min(free, rest.window.end)), rest.window.end), rest.lasts)
