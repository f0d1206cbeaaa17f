"""Why a visit is in nobody's day: the first thing that stands in its way, as a code with its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.solver.model import Pin, Problem, Visit
from app.solver.tasks import able, windows_of

Reason = tuple[str, dict[str, Any]]


def why_left_out(problem: Problem, visit: Visit) -> Reason:
    """`no_crews`, `no_skill`, `no_parts`, `no_shift`, `pinned`, or `no_room`: it could be made, others were dearer."""
    if not problem.crews:
        return "no_crews", {}
    if any(able(problem, crew, visit) for crew in range(len(problem.crews))):
        return "no_room", {}
    free = replace(visit, pin=Pin.FREE, booked=None)
    if any(able(problem, crew, free) for crew in range(len(problem.crews))):
        return "pinned", {}
    any_time = replace(free, windows=())
    if any(able(problem, crew, any_time) for crew in range(len(problem.crews))):
        return "no_shift", {"windows": [list(window) for window in windows_of(visit)]}
    if any(able(problem, crew, replace(any_time, parts=())) for crew in range(len(problem.crews))):
        return "no_parts", {}
    return "no_skill", {"skills": [[need.skill, need.least] for need in visit.requires]}
