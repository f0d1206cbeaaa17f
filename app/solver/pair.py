"""Visits for two crews: which pair, and when they meet. VROOM is then told, and plans everything around it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from app.solver.cost import meets
from app.solver.model import RENDEZVOUS_S, Pin, Problem, Requirement, Visit, Window
from app.solver.tasks import able, in_time

STEP_S = 900  # meetings are tried this far apart
NEAREST = 12  # crews tried for each of the two parts

Agreed = dict[int, dict[int, int]]  # for each visit: its two crews and when they begin


def pair_up(problem: Problem) -> Agreed:
    """For every visit for two crews the pair with the shortest ways that is free at one time; dearest visits first.

    A visit that no pair can make is not in the answer.
    """
    agreed: Agreed = {}
    held: dict[int, list[tuple[Window, int]]] = {}  # what each crew has agreed to already, and where
    places = [place for place, visit in enumerate(problem.visits) if visit.second is not None]
    for place in sorted(places, key=lambda one: (-problem.prices.leaving_out(problem.visits[one]), one)):
        best = min(_meetings(problem, place, held), default=None)
        if best is not None:
            _, start, *crews = best
            agreed[place] = dict.fromkeys(crews, start)
            until = start + RENDEZVOUS_S + problem.visits[place].service
            for crew in crews:
                held.setdefault(crew, []).append((Window(start, until), problem.visits[place].place))
    return agreed


def _meetings(problem: Problem, place: int, held: dict[int, list[tuple[Window, int]]]) -> Iterator[tuple[int, ...]]:
    """The earliest meeting of each pair, as (seconds of ways, start, one crew, other crew)."""
    visit = problem.visits[place]
    if visit.booked is not None and visit.pin is Pin.FROZEN:
        yield (0, visit.booked.start, *visit.booked.crews)
        return
    if visit.second is None:
        return
    for one, other in product(_nearest(problem, visit, visit.requires), _nearest(problem, visit, visit.second)):
        both = (one, other)
        times = (at for at in _times(visit) if all(_free(problem, crew, visit, at, held) for crew in both))
        start = None if one == other else next(times, None)
        if start is not None:
            yield (_way(problem, one, visit) + _way(problem, other, visit), start, one, other)


def _nearest(problem: Problem, visit: Visit, side: tuple[Requirement, ...]) -> list[int]:
    fitting = [
        place
        for place, crew in enumerate(problem.crews)
        if able(problem, place, visit) and meets(crew, side, crew.shift.start, crew.shift.end - crew.shift.start)
    ]
    return sorted(fitting, key=lambda crew: (_way(problem, crew, visit), crew))[:NEAREST]


def _way(problem: Problem, crew: int, visit: Visit) -> int:
    return problem.ways[problem.crews[crew].start][visit.place]


def _times(visit: Visit) -> Iterator[int]:
    for window in in_time(visit):
        yield from range(window.start, min(window.end, window.start + 24 * 3600) + 1, STEP_S)


def _free(problem: Problem, place: int, visit: Visit, start: int, held: dict[int, list[tuple[Window, int]]]) -> bool:
    """Whether the crew can be there in its shift, with time for the ways to and from what it has agreed to."""
    crew, ways, until = problem.crews[place], problem.ways, start + RENDEZVOUS_S + visit.service
    home = 0 if crew.end is None else ways[visit.place][crew.end]
    if start < crew.shift.start + ways[crew.start][visit.place] or until + home > crew.shift.end:
        return False
    rests = all(until <= rest.window.end or rest.window.start + rest.lasts <= start for rest in crew.breaks)
    return rests and all(
        until + ways[visit.place][there] <= span.start or span.end + ways[there][visit.place] <= start
        for span, there in held.get(place, [])
    )
