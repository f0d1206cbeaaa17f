"""Who should go to a job now, what that does to the day, and sending it all in one transaction.

Crews that are on a job, or whose place is not known, are left out: they cannot be sent now, and their days are nobody's
to fill. What stands as booked is read as it is; a crew whose own bookings cannot be driven in time is left out too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from app.dispatch import queries, rules, service
from app.jobs import queries as jobs
from app.jobs import rules as job_rules
from app.jobs.models import JobState, Priority
from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork
from app.solver.ladder import Change, Decision, decide
from app.solver.model import (
    Booked,
    Certificate,
    Crew,
    Matrix,
    Pin,
    Plan,
    Problem,
    Requirement,
    Route,
    Tier,
    Visit,
    Window,
)
from app.solver.rest import BEFORE_START
from app.solver.schedule import earliest
from app.staff.models import Grade
from app.streets.service import matrix

if TYPE_CHECKING:
    from app.jobs.models import Assignment, Job

AHEAD = timedelta(hours=16)  # no shift is longer
AGREED_S = 900  # a booked visit without a promised window may begin this much elsewhen: nobody need be told
FAR_S = 7 * 24 * 3600  # a way that does not exist


@dataclass(frozen=True)
class Proposal:
    """A decision with the rows its numbers stand for. Seconds count from `at`."""

    at: datetime
    crews: Sequence[Any]
    visits: Sequence[Any]
    decision: Decision | None


def propose(uow: UnitOfWork, *, job_id: UUID) -> Proposal:
    """Who should go, and what moves; no decision where a job has its crew or is over. Nothing is written.

    Raises:
        NotFound: no such job, or not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
    """
    job = jobs.get_job(uow.session, uow.actor, job_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    if not job_rules.is_step(job.state, JobState.ASSIGNED):
        return Proposal(uow.now, [], [], None)
    crews = [row for row in queries.crews_now(uow.session, job.branch_id, now=uow.now) if row.busy_with is None]
    ahead = queries.visits_ahead(uow.session, job.branch_id, now=uow.now, until=uow.now + AHEAD)
    known = {row.id for row in crews}
    visits = [row for row in ahead if row.crew_id in known and row.job_id != job.id]
    asked = _urgent(job, len(crews) + len(visits), queries.tier_of(uow.session, job.premises_id), uow.now)
    problem, plan = _day(uow, job, crews, visits, asked)
    return Proposal(uow.now, crews, visits, decide(problem, plan, len(visits)) if crews else None)


@dataclass(frozen=True)
class Move:
    """A booked visit, by its assignment, and where it goes."""

    assignment_id: UUID
    crew_id: UUID
    planned_start: datetime
    planned_end: datetime


def accept(
    uow: UnitOfWork,
    *,
    job_id: UUID,
    crew_id: UUID,
    moves: Sequence[Move],
    dropped: Sequence[UUID],
    planned_start: datetime | None = None,
) -> Assignment:
    """Send a crew, or book it for `planned_start`, and move what has to move: all of it or nothing.

    Raises:
        NotFound, Forbidden, UnknownCrew, WrongTransition, CrewBusy, CrewOffDuty, CrewNotQualified: as
            `service.dispatch_crew` and `service.book_visit`.
        VisitGone, AssignmentEnded, VisitOverlap, OutsideShift: the day has moved on since it was proposed.
    """
    for assignment_id in dropped:
        service.withdraw(uow, assignment_id=assignment_id)
    for move in sorted(moves, key=lambda one: one.planned_start, reverse=True):
        service.move_visit(
            uow, assignment_id=move.assignment_id, crew_id=move.crew_id,
            planned_start=move.planned_start, planned_end=move.planned_end,
        )  # fmt: skip
    if planned_start is None:
        return service.dispatch_crew(uow, job_id=job_id, crew_id=crew_id)
    end = planned_start + rules.VISIT_TAKES
    return service.book_visit(uow, job_id=job_id, crew_id=crew_id, planned_start=planned_start, planned_end=end)


def _day(uow: UnitOfWork, job: Job, crews: Sequence[Any], visits: Sequence[Any], asked: Visit) -> tuple[Problem, Plan]:
    """The rest of today as numbers: crews, booked visits and the job stand in this order in the matrix."""
    number = {row.id: place for place, row in enumerate(crews)}
    places = [*((row.lon, row.lat) for row in (*crews, *visits)), (job.location.x, job.location.y)]
    travel = _seconds(uow, job, np.array(places, dtype=np.float64))
    booked = [_booked(row, len(crews) + at, number[row.crew_id], uow.now) for at, row in enumerate(visits)]
    made = tuple(_crew(row, at, uow.now) for at, row in enumerate(crews))
    problem = Problem(made, (*booked, asked), travel)
    routes = []
    for crew in range(len(crews)):
        order = [at for at, visit in enumerate(booked) if visit.booked is not None and visit.booked.crews == (crew,)]
        keep = {at: told.start for at in order if (told := booked[at].booked) is not None}
        routes.append(earliest(problem, made[crew], order, keep))
    return _without_broken(problem, routes)


def _without_broken(problem: Problem, routes: Sequence[Route | None]) -> tuple[Problem, Plan]:
    """A crew that cannot drive its own bookings in time has an empty van as far as this decision goes."""
    crews = tuple(
        Crew(crew.id, Window(crew.shift.start, crew.shift.start), crew.start, crew.end) if route is None else crew
        for crew, route in zip(problem.crews, routes, strict=True)
    )
    return Problem(crews, problem.visits, problem.travel), Plan(tuple(route or Route() for route in routes))


def _seconds(uow: UnitOfWork, job: Job, places: Any) -> Matrix:
    travel = matrix(uow, branch_id=job.branch_id, sources=places, targets=places)
    finite = np.where(np.isfinite(travel.time_s), travel.time_s, FAR_S)
    cells = np.ceil(np.minimum(finite, FAR_S)).astype(np.int32)
    np.fill_diagonal(cells, 0)
    return cells


def _crew(row: Any, place: int, now: datetime) -> Crew:
    since, shift = now.timestamp(), Window(0, int((row.until - now).total_seconds()))
    cards = tuple(
        Certificate(skill, rules.GRADES[Grade(grade)], Window(int(begins - since), int(ends - since)))
        for skill, grade, begins, ends in row.certificates or []
    )
    return Crew(row.code, shift, place, None, cards)


def _booked(row: Any, place: int, crew: int, now: datetime) -> Visit:
    start = int((row.planned_start - now).total_seconds())
    lasts = int((row.planned_end - row.planned_start).total_seconds())
    window = Window(start - AGREED_S, start + AGREED_S)
    if row.window_start is not None:
        promised = (int((end - now).total_seconds()) for end in (row.window_start, row.window_end))
        window = Window(*promised)
    tier = _tier(Priority(row.priority), row.tier)
    pin = Pin.FROZEN if start <= BEFORE_START else Pin.SAME_DAY
    needs, told = (Requirement(row.required_skill),), Booked((crew,), start)
    return Visit(row.number, place, lasts, needs, windows=(window,), tier=tier, pin=pin, booked=told)


def _urgent(job: Job, place: int, tier: str | None, now: datetime) -> Visit:
    due = None if job.due_at is None else int((job.due_at - now).total_seconds())
    needs, lasts = (Requirement(job.required_skill.value),), int(rules.VISIT_TAKES.total_seconds())
    return Visit(job.number, place, lasts, needs, due=due, tier=_tier(job.priority, tier), pin=Pin.SAME_DAY)


def _tier(priority: Priority, account: str | None) -> Tier:
    """An emergency is one whoever's it is; key and VIP customers' other visits are personal service."""
    if priority is Priority.EMERGENCY:
        return Tier.CRITICAL
    return Tier.STANDARD if account is None else Tier.PRIORITY


def proposal_json(found: Proposal) -> dict[str, Any]:
    """`ProposalOut` as plain values."""
    made = found.decision
    if made is None:
        return {"at": found.at.isoformat(), "decision": None}
    first = made.plan.routes[made.crew].stops[0].visit == len(found.visits)
    gone = [_change(found, one) for one in made.dropped]
    shown = {(one.visit, one.crew) for one in (*made.moved, *made.shifted)}
    before = {stop.visit: (crew, stop.start) for crew, stop in _standing(found)}
    moves = [
        {
            **_change(found, Change(stop.visit, before[stop.visit], crew, stop.start)),
            "told": (stop.visit, crew) in shown,
        }
        for crew, stop in made.plan.stops()
        if stop.visit in before and before[stop.visit] != (crew, stop.start)
    ]
    return {
        "at": found.at.isoformat(),
        "decision": {
            "rung": made.rung,
            "crew": _named(found.crews[made.crew]),
            "arrives_at": _at(found, made.start),
            "planned_start": None if first else _at(found, made.start),
            "in_time": made.in_time,
            "thawed": made.thawed,
            "extra_s": made.extra,
            "moves": moves,
            "dropped": gone,
            "rivals": [
                {
                    "crew": _named(found.crews[one.crew]),
                    "arrives_at": None if one.arrives is None else _at(found, one.arrives),
                    "why": one.why,
                    "seconds": one.seconds,
                }
                for one in made.rivals
            ],
        },
    }


def _standing(found: Proposal) -> list[tuple[int, Any]]:
    return [] if found.decision is None else list(found.decision.before.stops())


def _change(found: Proposal, change: Change) -> dict[str, Any]:
    row = found.visits[change.visit]
    lasts = row.planned_end - row.planned_start
    start = None if change.start is None else found.at + timedelta(seconds=change.start)
    return {
        "assignment_id": str(row.id),
        "job_id": str(row.job_id),
        "number": row.number,
        "kind": row.kind,
        "address": row.address,
        "contact_name": row.contact_name,
        "contact_phone": row.contact_phone,
        "was_crew": _named(found.crews[change.was[0]]),
        "was_start": row.planned_start.isoformat(),
        "crew": None if change.crew is None else _named(found.crews[change.crew]),
        "planned_start": None if start is None else start.isoformat(),
        "planned_end": None if start is None else (start + lasts).isoformat(),
    }


def _named(row: Any) -> dict[str, str]:
    return {"id": str(row.id), "code": row.code, "name_zh": row.name_zh, "name_en": row.name_en}


def _at(found: Proposal, second: int) -> str:
    return (found.at + timedelta(seconds=second)).isoformat()
