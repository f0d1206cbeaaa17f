"""Verbs of dispatch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.crews import queries as crews
from app.dispatch import queries, rules
from app.dispatch.errors import AssignmentEnded, UnknownCrew, VisitGone
from app.dispatch.events import CrewDispatched, CrewWithdrawn
from app.dispatch.ranking import Floats
from app.dispatch.rules import Candidate, Need, Trip, Visit
from app.jobs import queries as jobs
from app.jobs import rules as job_rules
from app.jobs import service as job_service
from app.jobs.models import JobState
from app.kernel.actor import Permission
from app.kernel.problems import FieldError, NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.streets.service import travel_to

if TYPE_CHECKING:
    from app.crews.models import Crew
    from app.jobs.models import Assignment, Job


MOST_SHOWN = 50


@dataclass(frozen=True)
class Ranking:
    """The best crews of a branch for a job, as of one moment; `total` and `ok_count` are over all its crews."""

    job: Job
    at: datetime
    total: int
    ok_count: int
    candidates: list[Candidate]


def candidates(uow: UnitOfWork, *, job_id: UUID, limit: int = MOST_SHOWN) -> Ranking:
    """Rank every crew of the job's branch by arrival along streets; the first `limit` with what speaks for and against.

    Three queries, or up to three more to read changed streets, whatever the number of crews.

    Raises:
        NotFound: no such job, or not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
    """
    job = jobs.get_job(uow.session, uow.actor, job_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    roster = queries.roster(uow.session, job, now=uow.now)
    trips = _trips(uow, job, roster.position, roster.placed)
    eta_s = np.array([np.inf if trip is None else trip.eta_s for trip in trips])
    best = roster.best(eta_s, limit)
    ids = roster.ids(best)
    known = queries.crew_facts(uow.session, job.branch_id, ids, skill=job.required_skill, now=uow.now)
    need = Need(job.required_skill, job.due_at, uow.now)
    facts = [replace(known[one], declined=roster.declined[at]) for one, at in zip(ids, best, strict=True)]
    judged = [rules.judge(one, trips[place], need) for one, place in zip(facts, best, strict=True)]
    return Ranking(job, uow.now, len(trips), int(roster.ok.sum()), rules.ranked(judged))


def dispatch_crew(uow: UnitOfWork, *, job_id: UUID, crew_id: UUID) -> Assignment:
    """Send a crew to a new or planned job. The job is locked first, then the crew, so two dispatchers queue.

    Raises:
        NotFound: no such job, or not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
        UnknownCrew: no such crew in the branch.
        WrongTransition: the job has a crew already, or is over.
        CrewBusy, CrewOffDuty, CrewNotQualified: the crew cannot be sent.
    """
    job = jobs.lock_job(uow.session, uow.actor, job_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    job_rules.check_takes_crew(job.kind, job.state, JobState.ASSIGNED)
    crew = _lock_crew(uow, job, crew_id)
    facts = queries.crew_facts(uow.session, job.branch_id, [crew.id], skill=job.required_skill, now=uow.now)[crew.id]
    place = np.array([facts.position or (np.nan, np.nan)])
    (trip,) = _trips(uow, job, place, np.isfinite(place[:, 0]))
    judged = rules.judge(facts, trip, Need(job.required_skill, job.due_at, uow.now))
    if (problem := rules.refusal(judged)) is not None:
        raise problem
    reasons = [reason.as_json() for reason in judged.reasons]
    assignment = job_service.assign(uow, job=job, crew_id=crew.id, reasons=reasons)
    uow.emit(CrewDispatched(assignment_id=assignment.id, job_id=job.id, crew_id=crew.id))
    return assignment


def withdraw(uow: UnitOfWork, *, assignment_id: UUID, reason: str | None = None) -> Assignment:
    """Take a job back from its crew: the undo of `dispatch_crew`.

    Raises:
        NotFound: no such assignment, or its job is not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
        AssignmentEnded: it has ended already.
        WrongTransition: the supply is restored already.
    """
    job, assignment = jobs.lock_assignment_job(uow.session, uow.actor, assignment_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    if assignment.ended_at is not None:
        raise AssignmentEnded(assignment_id=str(assignment.id))
    job_service.withdraw(uow, job=job, reason=reason)
    uow.emit(CrewWithdrawn(assignment_id=assignment.id, job_id=job.id, crew_id=assignment.crew_id))
    return assignment


def book_visit(
    uow: UnitOfWork, *, job_id: UUID, crew_id: UUID, planned_start: datetime, planned_end: datetime
) -> Assignment:
    """Put a new job on a crew's day. The job is locked first, then the crew, as when a crew is sent.

    Raises:
        NotFound: no such job, or not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
        Invalid: times that cannot be.
        UnknownCrew: no such crew in the branch.
        WrongTransition: the job is booked or under way already, or is over.
        CrewNotQualified, OutsideShift, VisitOverlap: the crew cannot make the visit then.
    """
    job = jobs.lock_job(uow.session, uow.actor, job_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    job_rules.check_takes_crew(job.kind, job.state, JobState.PLANNED)
    wanted = Visit(planned_start, planned_end)
    reasons = _fit(uow, job, crew_id, wanted)
    window = (wanted.start, wanted.end)
    return job_service.assign(uow, job=job, crew_id=crew_id, reasons=reasons, live=False, window=window)


def move_visit(
    uow: UnitOfWork, *, assignment_id: UUID, crew_id: UUID, planned_start: datetime, planned_end: datetime
) -> Assignment:
    """Book a visit for another time or crew. It gets a new id: who moves what was moved meanwhile is refused.

    Raises:
        NotFound: no such visit, or its job is not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
        VisitGone: it was moved, withdrawn or begun in the meantime.
        Invalid, UnknownCrew, CrewNotQualified, OutsideShift, VisitOverlap: as `book_visit`.
    """
    job, visit = jobs.lock_assignment_job(uow.session, uow.actor, assignment_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    if visit.live or visit.ended_at is not None:
        raise VisitGone(assignment_id=str(visit.id))
    wanted = Visit(planned_start, planned_end)
    reasons = _fit(uow, job, crew_id, wanted)
    window = (wanted.start, wanted.end)
    return job_service.move_visit(uow, job=job, visit=visit, crew_id=crew_id, reasons=reasons, window=window)


def _fit(uow: UnitOfWork, job: Job, crew_id: UUID, wanted: Visit) -> list[dict[str, Any]]:
    """What speaks for the crew at that time, as it is kept; the crew is held until the end of the transaction."""
    rules.check_times(wanted, uow.now)
    crew = _lock_crew(uow, job, crew_id)
    known = queries.crew_facts(uow.session, job.branch_id, [crew.id], skill=job.required_skill, now=wanted.start)
    clash = queries.clashing_visit(uow.session, crew.id, wanted, besides=job.id)
    need = Need(job.required_skill, job.due_at, uow.now)
    return [reason.as_json() for reason in rules.check_visit(known[crew.id], wanted, clash, need)]


def _lock_crew(uow: UnitOfWork, job: Job, crew_id: UUID) -> Crew:
    try:
        crew = crews.lock_crew(uow.session, crew_id)
    except NotFound as error:
        raise UnknownCrew(FieldError("crew_id", "not_found")) from error
    if crew.branch_id != job.branch_id:
        raise UnknownCrew(FieldError("crew_id", "not_found"))
    return crew


def _trips(uow: UnitOfWork, job: Job, position: Floats, placed: NDArray[np.bool_]) -> list[Trip | None]:
    """The way of each crew; None where its position is not known."""
    trips: list[Trip | None] = [None] * len(position)
    if placed.any():
        travel = travel_to(uow, branch_id=job.branch_id, target=job.location, origins=position[placed])
        ways = zip(travel.distance_m.tolist(), travel.time_s.tolist(), travel.estimated.tolist(), strict=True)
        for place, way in zip(np.flatnonzero(placed), ways, strict=True):
            trips[place] = Trip(*way)
    return trips
