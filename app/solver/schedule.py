"""A crew's stops in a given order, each as early as it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from app.solver.cost import meets
from app.solver.model import Break, Crew, Pin, Problem, Route, Stop, Visit

_NOTHING: Mapping[int, int] = MappingProxyType({})


@dataclass
class _Clock:
    """Where the crew is, since when it is free, and how long it has rested since then."""

    here: int
    free: int
    rested: int = 0
    rested_until: int = 0
    work: int = 0
    waiting: list[int] = field(default_factory=list)  # places of breaks that are still to be taken, by window
    taken: dict[int, int] = field(default_factory=dict)

    def next_rest(self, rest: Break) -> int:
        """When this break could begin at the earliest."""
        return max(self.free, self.rested_until, rest.window.start)

    def take(self, begins: int, rest: Break) -> None:
        """Rest from then on."""
        self.taken[self.waiting.pop(0)] = begins
        self.rested += rest.lasts
        self.rested_until = begins + rest.lasts


def earliest(problem: Problem, crew: Crew, order: Sequence[int], keep: Mapping[int, int] = _NOTHING) -> Route | None:
    """The crew's day in this order, every service as early as windows, drives and breaks allow; None: it cannot be.

    Visits in `keep` begin no earlier than it says: what was told to a customer is not hurried without need. A break is
    taken while the crew would wait anyway, and else at the last chance before its window closes. A frozen visit begins
    when it was booked to. Skills and parts are for `can` to say. Linear in stops and breaks.
    """
    if not order:
        return Route()
    by_window = sorted(range(len(crew.breaks)), key=lambda place: crew.breaks[place].window)
    clock = _Clock(crew.start, crew.shift.start, waiting=by_window)
    stops: list[Stop] = []
    for place in order:
        visit = problem.visits[place]
        drive = problem.ways[clock.here][visit.place]
        start = _begin(crew, clock, visit, drive, keep.get(place, 0))
        if start is None:
            return None
        stops.append(Stop(place, start))
        clock.work += drive + visit.service
        clock.here, clock.free, clock.rested = visit.place, start + visit.service, 0
    if not _home(problem, crew, clock):
        return None
    return Route(tuple(stops), tuple(clock.taken[place] for place in range(len(crew.breaks))))


def can(problem: Problem, crew: int, visit: Visit, start: int) -> bool:
    """Whether this crew may make the visit then, as far as certificates, van stock for it alone and its pin say.

    A visit for two crews is nobody's to take alone.
    """
    held = problem.crews[crew]
    if visit.second is not None:
        return False
    if visit.pin >= Pin.SAME_CREW and visit.booked is not None and crew not in visit.booked.crews:
        return False
    if any(needed > (held.stock[part] if part < len(held.stock) else 0) for part, needed in enumerate(visit.parts)):
        return False
    return meets(held, visit.requires, start, visit.service)


def opening(visit: Visit, ready: int) -> int | None:
    """When service begins if the crew is there from `ready` on; None when no window is left."""
    if visit.pin is Pin.FROZEN and visit.booked is not None:
        return visit.booked.start if ready <= visit.booked.start else None
    if not visit.windows:
        return ready
    return min((max(ready, window.start) for window in visit.windows if ready <= window.end), default=None)


def _begin(crew: Crew, clock: _Clock, visit: Visit, drive: int, not_before: int) -> int | None:
    """When the service begins, after the breaks that have to be taken, or cost nothing, before it."""
    while True:
        start = opening(visit, max(clock.free + drive + clock.rested, clock.rested_until, not_before))
        if start is None or not clock.waiting:
            return start
        rest = crew.breaks[clock.waiting[0]]
        begins = clock.next_rest(rest)
        late = start + visit.service > rest.window.end  # after this service its window is closed
        rested = max(clock.free + drive + clock.rested, begins) + rest.lasts
        idle = begins + rest.lasts <= start and rested <= start
        if not late and not idle:
            return start
        if begins > rest.window.end or (late and begins >= start and not idle):
            return None
        clock.take(begins, rest)


def _home(problem: Problem, crew: Crew, clock: _Clock) -> bool:
    """Take what breaks are left and drive home: whether both end with the shift, and the work is not too much."""
    while clock.waiting:
        rest = crew.breaks[clock.waiting[0]]
        begins = clock.next_rest(rest)
        if begins > rest.window.end or begins + rest.lasts > crew.shift.end:
            return False
        clock.take(begins, rest)
    home = 0 if crew.end is None else problem.ways[clock.here][crew.end]
    if max(clock.free + clock.rested + home, clock.rested_until) > crew.shift.end:
        return False
    return crew.max_work is None or clock.work + home <= crew.max_work
