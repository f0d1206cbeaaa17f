"""Rung one: an urgent visit is put between the others, or takes the place of one or two that find another.

Pure search, no solver. What it may touch: visits that are neither frozen nor bound to their crew, and of those only
what `guard.may_push` allows. Every answer is a whole plan; `check.judge` has the last word on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import pairwise

from app.solver.check import judge
from app.solver.cost import travel_of
from app.solver.guard import may_push
from app.solver.model import Pin, Plan, Problem, Route, Stop, Visit
from app.solver.schedule import can, earliest, opening

SHOWN = 4  # ways without ejection that are judged
TRIED_DETOURS = 16  # places in other crews' days that are reckoned to the end, the shortest detours first
TRIED_PLACES = 6  # ejections that are followed to the end, cheapest in travel first
PAIR_CREWS = 2  # crews in whose days two neighbours at once may make room
CLEARED_CREWS = 3  # crews whose days are made anew around the visit, where nothing less helps


@dataclass(frozen=True)
class Placed:
    """A plan with the visit in it: who makes it and when, and what the day costs more than before."""

    plan: Plan
    crew: int
    start: int
    extra: int


@dataclass(frozen=True)
class Room:
    """A crew's day with the visit in it and some others out of it."""

    crew: int
    route: Route
    start: int
    out: tuple[int, ...]
    price: int


def rooms_of(problem: Problem, plan: Plan, visit: int, crews: Sequence[int]) -> dict[int, Room]:
    """The cheapest place for the visit in each crew's day, nothing moved to another; where there is none, none."""
    return {crew: room for crew in crews for room in _best(_rooms(problem, plan, visit, crew, ()))}


def insert(problem: Problem, plan: Plan, visit: int, crews: Sequence[int], rooms: dict[int, Room]) -> list[Placed]:
    """The ways to make the visit by one of these crews, cheapest first; empty: there is none.

    `plan` holds everything but the visit, `rooms` is what `rooms_of` says of it. Ejection is tried only where nobody
    can make it in time otherwise.
    """
    cheapest = nsmallest(SHOWN, rooms.values(), key=lambda room: (not _in_time(problem, visit, room.start), room.price))
    found = [placed for room in cheapest if (placed := _place(problem, plan, visit, room)) is not None]
    if not any(_in_time(problem, visit, placed.start) for placed in found):
        found += _ejecting(problem, plan, visit, crews)
    return sorted(found, key=lambda placed: (placed.extra, placed.start, placed.crew))


def _ejecting(problem: Problem, plan: Plan, visit: int, crews: Sequence[int]) -> list[Placed]:
    due = problem.visits[visit].due
    singles = (room for crew in crews for out in _ejectable(problem, plan, visit, crew, 1)
               for room in _best(_rooms(problem, plan, visit, crew, out, until=due)))  # fmt: skip
    found = _follow(problem, plan, visit, singles)
    if not found:
        pairs = (room for crew in crews[:PAIR_CREWS] for out in _ejectable(problem, plan, visit, crew, 2)
                 for room in _best(_rooms(problem, plan, visit, crew, out, until=due)))  # fmt: skip
        found = _follow(problem, plan, visit, pairs)
    return found or _follow(problem, plan, visit, _cleared(problem, plan, visit, crews[:CLEARED_CREWS]))


def _cleared(problem: Problem, plan: Plan, visit: int, crews: Sequence[int]) -> Iterator[Room]:
    """Days from which everything loose was taken, and then put back as far as the visit still comes in time."""
    for crew in crews:
        loose = [group[0] for group in _ejectable(problem, plan, visit, crew, 1)]
        for room in _best(
            _timely(problem, visit, _rooms(problem, plan, visit, crew, tuple(loose), until=problem.visits[visit].due))
        ):
            yield _refilled(problem, plan, visit, room)


def _refilled(problem: Problem, plan: Plan, visit: int, room: Room) -> Room:
    """The same with what still fits back in it, in the order in which it was to be made."""
    before = plan.routes[room.crew]
    for one in room.out:
        part = Plan(tuple(room.route if crew == room.crew else route for crew, route in enumerate(plan.routes)))
        for back in _best(_rooms(problem, part, one, room.crew, ())):
            start = next(stop.start for stop in back.route.stops if stop.visit == visit)
            if _in_time(problem, visit, start):
                left = tuple(other for other in room.out if other != one)
                price = _price(problem, before, back.route, room.crew, visit)
                room = Room(room.crew, back.route, start, left, price)
    return room


def _timely(problem: Problem, visit: int, rooms: Iterable[Room]) -> Iterator[Room]:
    return (room for room in rooms if _in_time(problem, visit, room.start))


def _follow(problem: Problem, plan: Plan, visit: int, rooms: Iterator[Room]) -> list[Placed]:
    cheapest = nsmallest(TRIED_PLACES, _timely(problem, visit, rooms), key=lambda room: room.price)
    return [placed for room in cheapest if (placed := _place(problem, plan, visit, room)) is not None]


def _in_time(problem: Problem, visit: int, start: int) -> bool:
    due = problem.visits[visit].due
    return due is None or start <= due


def _ejectable(problem: Problem, plan: Plan, visit: int, crew: int, many: int) -> list[tuple[int, ...]]:
    """What may leave this crew's day for the visit: one, or two that follow each other."""
    order = [stop.visit for stop in plan.routes[crew].stops]
    loose = {one for one in order if problem.visits[one].pin < Pin.SAME_CREW and problem.visits[one].second is None
             and may_push(problem.visits[visit], problem.visits[one])}  # fmt: skip
    groups = [(one,) for one in order] if many == 1 else list(pairwise(order))
    return [group for group in groups if loose.issuperset(group)]


def _rooms(
    problem: Problem, plan: Plan, visit: int, crew: int, out: tuple[int, ...], *, until: int | None = None
) -> Iterator[Room]:
    """The crew's day with the visit at every place where it can stand, `out` left out; the others keep their times.

    With `until` only where the crew is free for it by then.
    """
    kept = [stop for stop in plan.routes[crew].stops if stop.visit not in out]
    for at, _ in _openings(problem, crew, kept, problem.visits[visit], until):
        room = _room(problem, plan, visit, crew, kept, at, out)
        if room is not None:
            yield room


def _room(
    problem: Problem, plan: Plan, visit: int, crew: int, kept: Sequence[Stop], at: int, out: tuple[int, ...]
) -> Room | None:
    """The crew's day with the visit at this place of what is kept of it; None where the day would not hold."""
    order = [stop.visit for stop in kept]
    keep = {stop.visit: stop.start for stop in kept}
    route = earliest(problem, problem.crews[crew], [*order[:at], visit, *order[at:]], keep)
    if route is None:
        return None
    return Room(crew, route, route.stops[at].start, out, _price(problem, plan.routes[crew], route, crew, visit))


def _openings(
    problem: Problem, crew: int, kept: Sequence[Stop], new: Visit, until: int | None
) -> Iterator[tuple[int, int]]:
    """Places in the order where the visit could stand, as far as its neighbours say, and the seconds of detour there.

    Breaks are not asked yet.
    """
    here, free = problem.crews[crew].start, problem.crews[crew].shift.start
    if not can(problem, crew, new, free):
        return
    for at, stop in enumerate([*kept, None]):
        if until is not None and free > until:
            return
        after = None if stop is None else problem.visits[stop.visit]
        start = opening(new, free + problem.ways[here][new.place])
        if start is not None and _leaves_room(problem, new, start, after):
            yield at, _detour(problem, here, new.place, after)
        if stop is not None and after is not None:
            here, free = after.place, stop.start + after.service


def _detour(problem: Problem, here: int, place: int, after: Visit | None) -> int:
    if after is None:
        return problem.ways[here][place]
    return problem.ways[here][place] + problem.ways[place][after.place] - problem.ways[here][after.place]


def _leaves_room(problem: Problem, new: Visit, start: int, after: Visit | None) -> bool:
    """Whether the next visit can still begin when this one is done."""
    return after is None or opening(after, start + new.service + problem.ways[new.place][after.place]) is not None


def _price(problem: Problem, before: Route, after: Route, crew: int, visit: int) -> int:
    """About what the change costs: travel, the visit's lateness, and starts that are no longer where they were."""
    prices, held, new = problem.prices, problem.crews[crew], problem.visits[visit]
    price = travel_of(problem, held, after) - travel_of(problem, held, before)
    starts = {stop.visit: stop.start for stop in before.stops}
    for stop in after.stops:
        if stop.visit == visit:
            price += prices.late[new.tier] * max(0, stop.start - (stop.start if new.due is None else new.due))
        elif stop.visit in starts and abs(stop.start - starts[stop.visit]) > prices.shift_free:
            price += prices.shifted
    return price


def _best(rooms: Iterable[Room]) -> list[Room]:
    """The cheapest, if there is one."""
    return nsmallest(1, rooms, key=lambda room: room.price)


def _place(problem: Problem, plan: Plan, visit: int, room: Room) -> Placed | None:
    """The whole plan with this room taken, and what had to leave it found another place for, or left out."""
    routes = list(plan.routes)
    routes[room.crew] = room.route
    touched = {room.crew}
    for one in room.out:
        elsewhere = _elsewhere(problem, Plan(tuple(routes)), one, avoid=room.crew)
        if elsewhere is not None:
            routes[elsewhere.crew] = elsewhere.route
            touched.add(elsewhere.crew)
    return priced(problem, plan, Plan(tuple(routes)), touched, visit)


def priced(problem: Problem, before: Plan, after: Plan, touched: set[int], visit: int) -> Placed | None:
    """The second plan, in which only these crews' days differ, with who makes the visit and what the day costs more.

    None where nobody makes it, or the judge finds a broken rule.
    """
    made = next(((crew, stop.start) for crew, stop in after.stops() if stop.visit == visit), None)
    extra = None if made is None else _extra(problem, before, after, touched, visit)
    return None if made is None or extra is None else Placed(after, *made, extra)


def _elsewhere(problem: Problem, plan: Plan, visit: int, *, avoid: int) -> Room | None:
    """Another crew's day with the visit in it, the cheapest."""
    new, others = problem.visits[visit], (crew for crew in range(len(problem.crews)) if crew != avoid)
    found = [(detour, crew, at) for crew in others
             for at, detour in _openings(problem, crew, plan.routes[crew].stops, new, None)]  # fmt: skip
    rooms = (_room(problem, plan, visit, crew, plan.routes[crew].stops, at, ())
             for _, crew, at in nsmallest(TRIED_DETOURS, found))  # fmt: skip
    return next(iter(_best(room for room in rooms if room is not None)), None)


def _extra(problem: Problem, before: Plan, after: Plan, touched: set[int], visit: int) -> int | None:
    """What the second plan costs more by the judge's own sums; None where it breaks a rule."""
    was, now = _part(before, touched), _part(after, touched)
    visits = {stop.visit for _, stop in was.stops()} | {visit}
    verdict = judge(problem, now, crews=touched, visits=visits)
    if not verdict.feasible:
        return None
    return verdict.cost - judge(problem, was, crews=touched, visits=visits - {visit}).cost


def _part(plan: Plan, crews: set[int]) -> Plan:
    return Plan(tuple(route if crew in crews else Route() for crew, route in enumerate(plan.routes)))
