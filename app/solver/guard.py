"""Standard first: what a personal service may not push out of the day, whichever solver would like to.

A visit for a key or VIP customer (`Tier.PRIORITY`) takes no time from an emergency (`Tier.CRITICAL`, whoever's it is)
nor from a standard customer's visit that was promised. The rule stands in the requirements: differentiated service is
added on top of the standard one, never taken from it.
"""

from __future__ import annotations

from app.solver.model import Pin, Plan, Problem, Tier, Visit


def may_push(new: Visit, other: Visit) -> bool:
    """Whether `other` may be moved elsewhere or left out to make room for `new`. Emergencies make room for nobody."""
    if other.tier is Tier.CRITICAL:
        return False
    return new.tier is not Tier.PRIORITY or not _promised_to_standard(other)


def pushed_out(problem: Problem, before: Plan, after: Plan, visit: int) -> tuple[int, ...]:
    """Visits that are in one plan and not in the other, although this visit may not push them out."""
    gone = set(after.left_out(problem)) - set(before.left_out(problem))
    new = problem.visits[visit]
    return tuple(sorted(one for one in gone if one != visit and not may_push(new, problem.visits[one])))


def _promised_to_standard(visit: Visit) -> bool:
    return visit.tier is Tier.STANDARD and visit.pin is not Pin.FREE
