"""Who goes: an urgent visit into a day that is planned already, by the least disturbance that keeps its promise.

Rung one is insertion (`insertion`). Where that misses the promise or drops somebody, VROOM is asked, over the nearest
crews with every visit bound to its crew; where the promise is missed still, with visits free to change crew. The
cheapest plan that meets the promise wins; prices make a dropped promise dearer than a visit that changes crew, and
that dearer than a start that shifts (`model.Prices`). What stands shortly before its start is frozen; only where an
emergency cannot be met otherwise is it let loose, and the decision says so: a person has to agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.solver import insertion, vroom
from app.solver.guard import pushed_out
from app.solver.insertion import Placed, Room
from app.solver.model import Pin, Plan, Problem, Route, Tier
from app.solver.schedule import can, earliest
from app.solver.tasks import Task, in_time, single

SHORTLIST = 12
BOUND = 6  # crews whose days are put into another order
FREED = 4  # crews whose visits may all change crew: VROOM takes ten times as long for twelve


@dataclass(frozen=True)
class Change:
    """A visit of the day that does not stay as it was: another crew, another time, or nobody (`crew` None)."""

    visit: int
    was: tuple[int, int]  # crew and start
    crew: int | None
    start: int | None


@dataclass(frozen=True)
class Rival:
    """Another crew and why it does not go: `no_room` in its day, `late` (by so many seconds), or `dearer`."""

    crew: int
    arrives: int | None
    why: str
    seconds: int | None


@dataclass(frozen=True)
class Decision:
    """Who goes and what follows.

    `problem` is the day the plan was judged by (`thawed`: with frozen visits let loose). `extra` is what the day costs
    more, in seconds of travel, as the judge adds it up.
    """

    problem: Problem
    before: Plan
    rung: str
    plan: Plan
    crew: int
    start: int
    in_time: bool
    thawed: bool
    extra: int
    moved: tuple[Change, ...]
    shifted: tuple[Change, ...]
    dropped: tuple[Change, ...]
    rivals: tuple[Rival, ...]


def decide(problem: Problem, plan: Plan, visit: int) -> Decision | None:
    """Who makes this visit; None: nobody can. `plan` holds the rest of the day without it. Pure and deterministic."""
    crews = shortlist(problem, visit)
    rooms = insertion.rooms_of(problem, plan, visit, crews)
    found, thawed = _inserted(problem, plan, visit, crews, rooms), False
    if problem.visits[visit].tier is Tier.CRITICAL and not _any_meets(problem, visit, found):
        loose = _thaw(problem)
        loose_rooms = insertion.rooms_of(loose, plan, visit, crews)
        others = _inserted(loose, plan, visit, crews, loose_rooms)
        if _any_meets(loose, visit, others):
            problem, rooms, found, thawed = loose, loose_rooms, others, True
    found += _solved(problem, plan, visit, crews, found)
    if not found:
        return None
    rung, placed = min(found, key=lambda one: (not _meets(problem, visit, one[1]), one[1].extra))
    moved, shifted, dropped = changes(problem, plan, placed.plan)
    met, rivals = _meets(problem, visit, placed), tuple(_rivals(problem, visit, crews, rooms, placed))
    return Decision(
        problem, plan, rung, placed.plan, placed.crew, placed.start, met, thawed, placed.extra,
        moved, shifted, dropped, rivals,
    )  # fmt: skip


def shortlist(problem: Problem, visit: int) -> list[int]:
    """The crews that could be there first, busy ones from when they become free. Certificates and van are asked."""
    new = problem.visits[visit]
    fit = [crew for crew in range(len(problem.crews)) if can(problem, crew, new, problem.crews[crew].shift.start)]
    return sorted(fit, key=lambda crew: (_arrival(problem, crew, visit), crew))[:SHORTLIST]


def changes(problem: Problem, before: Plan, after: Plan) -> tuple[tuple[Change, ...], ...]:
    """What moved to another crew, what begins more than the free quarter of an hour elsewhen, what nobody makes."""
    now = {stop.visit: (crew, stop.start) for crew, stop in after.stops()}
    moved, shifted, dropped = [], [], []
    for crew, stop in before.stops():
        at = now.get(stop.visit)
        change = Change(stop.visit, (crew, stop.start), *(at or (None, None)))
        if at is None:
            dropped.append(change)
        elif at[0] != crew:
            moved.append(change)
        elif abs(at[1] - stop.start) > problem.prices.shift_free:
            shifted.append(change)
    return tuple(moved), tuple(shifted), tuple(dropped)


def _inserted(
    problem: Problem, plan: Plan, visit: int, crews: Sequence[int], rooms: dict[int, Room]
) -> list[tuple[str, Placed]]:
    found = insertion.insert(problem, plan, visit, crews, rooms)
    return [("insertion", placed) for placed in found if _lawful(problem, plan, visit, placed)]


def _lawful(problem: Problem, plan: Plan, visit: int, placed: Placed) -> bool:
    return not pushed_out(problem, plan, placed.plan, visit)


def _any_meets(problem: Problem, visit: int, found: Sequence[tuple[str, Placed]]) -> bool:
    return any(_meets(problem, visit, placed) for _, placed in found)


def _solved(
    problem: Problem, plan: Plan, visit: int, crews: Sequence[int], so_far: Sequence[tuple[str, Placed]]
) -> list[tuple[str, Placed]]:
    """What the nearest crews' days solved anew give.

    Bound to their crews where somebody is dropped or the promise is missed, free to change crew only where it is missed
    still: freed days move a dozen visits for one.
    """
    meeting = [placed for _, placed in so_far if _meets(problem, visit, placed)]
    if any(not _drops(problem, plan, placed.plan) for placed in meeting):
        return []
    found = [("pinned", placed) for placed in _anew(problem, plan, visit, crews[:BOUND], bound=True)]
    if not meeting and not _any_meets(problem, visit, found):
        found += [("nearest", placed) for placed in _anew(problem, plan, visit, crews[:FREED], bound=False)]
    return [one for one in found if _lawful(problem, plan, visit, one[1])]


def _anew(problem: Problem, plan: Plan, visit: int, crews: Sequence[int], *, bound: bool) -> Iterator[Placed]:
    mine = [(stop.visit, crew) for crew in crews for stop in plan.routes[crew].stops]
    if not crews or any(problem.visits[one].second is not None for one, _ in mine):
        return  # a visit for two crews: half of it cannot be solved alone
    tasks = [Task(one, in_time(problem.visits[one]), crew) if bound else single(problem, one) for one, crew in mine]
    routes = vroom.solve(problem, crews, [*tasks, single(problem, visit)], level=vroom.QUICK)
    placed = _retimed(problem, plan, visit, routes)
    if placed is not None:
        yield placed


def _retimed(problem: Problem, plan: Plan, visit: int, found: dict[int, Route]) -> Placed | None:
    """VROOM's orders with the times that were told kept where they can be."""
    keep = {stop.visit: stop.start for _, stop in plan.stops()}
    routes = list(plan.routes)
    for crew, solved in found.items():
        order = [stop.visit for stop in solved.stops]
        route = earliest(problem, problem.crews[crew], order, keep) or earliest(problem, problem.crews[crew], order)
        if route is None:
            return None
        routes[crew] = route
    return insertion.priced(problem, plan, Plan(tuple(routes)), set(found), visit)


def _rivals(
    problem: Problem, visit: int, crews: Sequence[int], rooms: dict[int, Room], chosen: Placed
) -> Iterator[Rival]:
    """The others of the shortlist, the nearest first; a crew whose own day has no room says so."""
    due = problem.visits[visit].due
    for crew in crews:
        room = rooms.get(crew)
        if crew == chosen.crew:
            continue
        if room is None:
            yield Rival(crew, None, "no_room", None)
        elif due is not None and room.start > due:
            yield Rival(crew, room.start, "late", room.start - due)
        else:
            yield Rival(crew, room.start, "dearer", None)


def _thaw(problem: Problem) -> Problem:
    """The same day with what is frozen let loose. What a crew is on its way to is not among its visits any more."""
    visits = tuple(replace(one, pin=Pin.SAME_DAY) if one.pin is Pin.FROZEN else one for one in problem.visits)
    loose = replace(problem, visits=visits)
    loose.__dict__["ways"] = problem.ways  # the same matrix: its rows need not be made twice
    return loose


def _drops(problem: Problem, before: Plan, after: Plan) -> bool:
    return bool(changes(problem, before, after)[2])


def _meets(problem: Problem, visit: int, placed: Placed) -> bool:
    due = problem.visits[visit].due
    return due is None or placed.start <= due


def _arrival(problem: Problem, crew: int, visit: int) -> int:
    held = problem.crews[crew]
    return held.shift.start + problem.ways[held.start][problem.visits[visit].place]
