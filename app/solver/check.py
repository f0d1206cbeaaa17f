"""The only judge of plans: it believes no solver, recomputes every rule from the plan's times, and adds up the price.

Hard rules give violations, in words; everything else gives cost terms, in seconds of travel. A plan with a violation
is never shown or booked, whatever it costs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from app.solver.cost import Made, meets, terms_of, work_of
from app.solver.model import RENDEZVOUS_S, Crew, Pin, Plan, Problem, Route, Stop, Visit, Window


@dataclass(frozen=True)
class Violation:
    """A hard rule that a plan breaks: which, whose, at which visit, and in words."""

    code: str
    text: str
    crew: str | None = None
    visit: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What the judge says. `terms` are seconds of travel by name; `cost` is their sum."""

    violations: tuple[Violation, ...]
    terms: dict[str, int]

    @property
    def feasible(self) -> bool:
        """No hard rule is broken."""
        return not self.violations

    @property
    def cost(self) -> int:
        """What the plan costs, violations not counted."""
        return sum(self.terms.values())


def judge(
    problem: Problem, plan: Plan, *, crews: Iterable[int] | None = None, visits: Iterable[int] | None = None
) -> Verdict:
    """Every violation and every cost term of a plan, or of these crews' routes and these visits in it.

    Pure; linear in the number of stops. Costs of parts that share neither crew nor visit add up.
    """
    shape = list(_shape(problem, plan))
    if shape:  # what cannot be read cannot be priced
        return Verdict(tuple(shape), {})
    made = _made(plan)
    routes = range(len(plan.routes)) if crews is None else sorted(crews)
    asked = range(len(problem.visits)) if visits is None else sorted(visits)
    violations = [violation for place in routes for violation in _route(problem, plan, place)]
    for place in asked:
        violations += _visit(problem, problem.visits[place], made.get(place, []))
    terms = terms_of(problem, plan, routes, ((problem.visits[place], made.get(place, [])) for place in asked))
    return Verdict(tuple(violations), terms)


def _made(plan: Plan) -> dict[int, Made]:
    made: dict[int, Made] = defaultdict(list)
    for crew, stop in plan.stops():
        made[stop.visit].append((crew, stop.start))
    return made


def _shape(problem: Problem, plan: Plan) -> Iterator[Violation]:
    if len(plan.routes) != len(problem.crews):
        yield Violation("shape", f"{len(plan.routes)} routes for {len(problem.crews)} crews")
    for _, stop in plan.stops():
        if not 0 <= stop.visit < len(problem.visits):
            yield Violation("shape", f"there is no visit {stop.visit}")


def clock(second: int) -> str:
    """Hours, minutes and seconds from the epoch, for words."""
    minutes, seconds = divmod(second, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


# ── one crew's day ──────────────────────────────────────────────────────────────────────────────────────────────────


def _route(problem: Problem, plan: Plan, place: int) -> Iterator[Violation]:
    crew, route = problem.crews[place], plan.routes[place]
    if not route.stops:
        return
    yield from _breaks(problem, crew, route)
    yield from _times(problem, crew, route)
    yield from _work(problem, crew, route)
    yield from _stock(problem, crew, route)
    for stop in route.stops:
        yield from _certified(problem, crew, stop)


def _breaks(problem: Problem, crew: Crew, route: Route) -> Iterator[Violation]:
    if len(route.breaks) != len(crew.breaks):
        yield Violation("break", f"{len(route.breaks)} of {len(crew.breaks)} breaks are taken", crew.id)
        return
    for begins, asked in zip(route.breaks, crew.breaks, strict=True):
        if not asked.window.holds(begins):
            yield Violation("break", f"a break begins at {clock(begins)}, outside its window", crew.id)
        if begins < crew.shift.start or begins + asked.lasts > crew.shift.end:
            yield Violation("break", f"a break at {clock(begins)} lies outside the shift", crew.id)
        yield from _disturbed(problem, crew, route, Window(begins, begins + asked.lasts))
    taken = sorted(zip(route.breaks, (rest.lasts for rest in crew.breaks), strict=True))
    if any(start + lasts > after for (start, lasts), (after, _) in pairwise(taken)):
        yield Violation("break", "two breaks overlap", crew.id)


def _disturbed(problem: Problem, crew: Crew, route: Route, rest: Window) -> Iterator[Violation]:
    for stop in route.stops:
        visit = problem.visits[stop.visit]
        if stop.start < rest.end and rest.start < stop.start + visit.service:
            yield Violation("break", f"a break at {clock(rest.start)} falls into the service", crew.id, visit.id)


def _times(problem: Problem, crew: Crew, route: Route) -> Iterator[Violation]:
    """Between two services, or a service and the ends of the shift, lie the drive and the breaks that fall there."""
    here, free = crew.start, crew.shift.start
    for stop in route.stops:
        visit = problem.visits[stop.visit]
        ready = free + problem.ways[here][visit.place] + _rests(crew, route, free, stop.start)
        if stop.start < ready:
            text = f"service begins at {clock(stop.start)}, but the crew can be there at {clock(ready)}"
            yield Violation("travel", text, crew.id, visit.id)
        here, free = visit.place, stop.start + visit.service
    home = 0 if crew.end is None else problem.ways[here][crew.end]
    back = free + home + _rests(crew, route, free, crew.shift.end)
    if back > crew.shift.end:
        text = f"the crew is back at {clock(back)}, after its shift ends at {clock(crew.shift.end)}"
        yield Violation("shift", text, crew.id)


def _rests(crew: Crew, route: Route, after: int, before: int) -> int:
    """Seconds of breaks that begin between two moments."""
    pairs = zip(route.breaks, crew.breaks, strict=False)
    return sum(rest.lasts for begins, rest in pairs if after <= begins < max(before, after + 1))


def _work(problem: Problem, crew: Crew, route: Route) -> Iterator[Violation]:
    work = work_of(problem, crew, route)
    if crew.max_work is not None and work > crew.max_work:
        text = f"{clock(work)} of drives and services, {clock(crew.max_work)} are allowed"
        yield Violation("max_work", text, crew.id)


def _stock(problem: Problem, crew: Crew, route: Route) -> Iterator[Violation]:
    for part, name in enumerate(problem.parts):
        needed = sum(_part(problem, crew, stop, part) for stop in route.stops)
        held = crew.stock[part] if part < len(crew.stock) else 0
        if needed > held:
            yield Violation("parts", f"{needed} × {name} are needed, {held} on the van", crew.id)


def _part(problem: Problem, crew: Crew, stop: Stop, part: int) -> int:
    """What this stop takes from this van: a helping crew, which only meets `second`, brings nothing."""
    visit = problem.visits[stop.visit]
    if part >= len(visit.parts) or (
        visit.second is not None and not meets(crew, visit.requires, stop.start, visit.service)
    ):
        return 0
    return visit.parts[part]


def _certified(problem: Problem, crew: Crew, stop: Stop) -> Iterator[Violation]:
    visit = problem.visits[stop.visit]
    if meets(crew, visit.requires, stop.start, visit.service):
        return
    if visit.second is not None and meets(crew, visit.second, stop.start, visit.service):
        return
    asked = ", ".join(f"{need.skill} ≥ {need.least}" for need in visit.requires)
    yield Violation("skill", f"nobody holds {asked} that day", crew.id, visit.id)


# ── one visit ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _visit(problem: Problem, visit: Visit, made: Made) -> Iterator[Violation]:
    if not made:
        if visit.pin is Pin.FROZEN:
            yield Violation("pin", "it is frozen and was left out", None, visit.id)
        return
    crews = {crew for crew, _ in made}
    if len(made) != visit.crews or len(crews) != visit.crews:
        text = f"{len(made)} stops of {len(crews)} crews, {visit.crews} are needed"
        yield Violation("crews", text, None, visit.id)
    for crew, start in made:
        if visit.windows and not any(window.holds(start) for window in visit.windows):
            text = f"service begins at {clock(start)}, in none of its windows"
            yield Violation("window", text, problem.crews[crew].id, visit.id)
    yield from _pair(problem, visit, made)
    yield from _pinned(visit, made)


def _pair(problem: Problem, visit: Visit, made: Made) -> Iterator[Violation]:
    """The two crews begin together, and one of them meets each list of needs."""
    if visit.second is None or len(made) != visit.crews:
        return
    (one, early), (other, late) = made
    if abs(early - late) > RENDEZVOUS_S:
        yield Violation("rendezvous", f"the crews begin at {clock(early)} and {clock(late)}", None, visit.id)
    sides = (visit.requires, visit.second)
    fits = [
        [meets(problem.crews[crew], side, start, visit.service) for side in sides]
        for crew, start in ((one, early), (other, late))
    ]
    if not (fits[0][0] and fits[1][1]) and not (fits[0][1] and fits[1][0]):
        yield Violation("skill", "the two crews together do not hold what is asked", None, visit.id)


def _pinned(visit: Visit, made: Made) -> Iterator[Violation]:
    if visit.booked is None or visit.pin < Pin.SAME_CREW:
        return
    if {crew for crew, _ in made} != set(visit.booked.crews):
        yield Violation("pin", "it is pinned to its crew and another goes", None, visit.id)
    elif visit.pin is Pin.FROZEN and any(start != visit.booked.start for _, start in made):
        yield Violation("pin", f"it is frozen at {clock(visit.booked.start)} and moved", None, visit.id)
