"""What VROOM is asked for each visit: who may do it, and when it may begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.solver.cost import meets
from app.solver.model import RENDEZVOUS_S, Pin, Plan, Problem, Stop, Visit, Window


class Task(NamedTuple):
    """One crew's part in a visit, as a solver is asked. `crew` is the only one that may do it; None: whoever fits."""

    visit: int
    windows: tuple[Window, ...]
    crew: int | None = None


ANY_TIME = Window(0, 2**31 - 1)


def able(problem: Problem, crew: int, visit: Visit) -> bool:
    """Whether a crew could ever make a visit alone, or be one of its two: skills all day, shift, pin, parts."""
    one = problem.crews[crew]
    if visit.booked is not None and visit.pin >= Pin.SAME_CREW and crew not in visit.booked.crews:
        return False
    sides = [visit.requires] if visit.second is None else [visit.requires, visit.second]
    lasts = one.shift.end - one.shift.start
    if not any(meets(one, side, one.shift.start, lasts) for side in sides):
        return False
    if visit.second is None and any(need > held for need, held in _parts(one.stock, visit.parts)):
        return False
    return any(window.start <= one.shift.end and one.shift.start <= window.end for window in windows_of(visit))


def _parts(stock: tuple[int, ...], parts: tuple[int, ...]) -> Iterable[tuple[int, int]]:
    return zip(parts, stock + (0,) * (len(parts) - len(stock)), strict=False)


def windows_of(visit: Visit) -> tuple[Window, ...]:
    """When service may begin: windows in order, those that touch made one; any time where there are none."""
    if visit.pin is Pin.FROZEN and visit.booked is not None:
        return (Window(visit.booked.start, visit.booked.start),)
    merged: list[Window] = []
    for window in sorted(visit.windows) or [ANY_TIME]:
        if merged and window.start <= merged[-1].end + 1:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return tuple(merged)


def in_time(visit: Visit) -> tuple[Window, ...]:
    """The part of the windows that is not late; all of them where that would leave nothing."""
    windows = windows_of(visit)
    if visit.due is None:
        return windows
    clipped = tuple(Window(one.start, min(one.end, visit.due)) for one in windows if one.start <= visit.due)
    return clipped or windows


def single(problem: Problem, place: int, *, late: bool = False) -> Task:
    """The task of a visit for one crew; `late`: it may begin after it is due."""
    visit = problem.visits[place]
    pinned = visit.booked.crews[0] if visit.booked is not None and visit.pin >= Pin.SAME_CREW else None
    return Task(place, windows_of(visit) if late else in_time(visit), pinned)


def halves(problem: Problem, place: int, agreed: Mapping[int, int]) -> list[Task]:
    """The two tasks of a visit for two crews, which begin within one short window; `agreed` is crew and start."""
    start = min(agreed.values())
    around = Window(start, start + RENDEZVOUS_S)
    windows = [
        Window(max(one.start, around.start), min(one.end, around.end)) for one in windows_of(problem.visits[place])
    ]
    fitting = tuple(one for one in windows if one.start <= one.end)
    return [Task(place, fitting, crew) for crew in agreed] if fitting else []


def half(problem: Problem, stop: Stop, crew: int, other: int) -> Task:
    """One crew's part in a visit for two, while the other crew's part, which begins at `other`, stays as it is."""
    return Task(
        stop.visit, _within(problem.visits[stop.visit], Window(other - RENDEZVOUS_S, other + RENDEZVOUS_S)), crew
    )


def _within(visit: Visit, span: Window) -> tuple[Window, ...]:
    """What of the visit's windows lies in a span."""
    cut = [Window(max(one.start, span.start), min(one.end, span.end)) for one in windows_of(visit)]
    return tuple(one for one in cut if one.start <= one.end)


def together(plan: Plan) -> dict[int, dict[int, int]]:
    """For each visit that is made: its crews and when each begins."""
    made: dict[int, dict[int, int]] = {}
    for crew, stop in plan.stops():
        made.setdefault(stop.visit, {})[crew] = stop.start
    return made
