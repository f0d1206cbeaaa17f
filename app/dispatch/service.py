"""Verbs of dispatch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from app.crews import queries as crews
from app.dispatch import queries, rules
from app.dispatch.errors import AssignmentEnded, UnknownCrew
from app.dispatch.events import CrewDispatched, CrewWithdrawn
from app.dispatch.rules import Candidate, CrewFacts, Need, Trip
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


@dataclass(frozen=True)
class Ranking:
    """All crews of the branch, best first, as of one moment."""

    job: Job
    at: datetime
    candidates: list[Candidate]

    @property
    def ok_count(self) -> int:
        """How many could be sent."""
        return sum(candidate.ok for candidate in self.candidates)


def candidates(uow: UnitOfWork, *, job_id: UUID) -> Ranking:
    """Every crew of the job's branch with its way there and what speaks for and against it.

    Three queries, five when the streets have changed since the last call, whatever the number of crews.

    Raises:
        NotFound: no such job, or not the actor's to see.
        Forbidden: the actor does not dispatch in its branch.
    """
    job = jobs.get_job(uow.session, uow.actor, job_id)
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    known = queries.crew_facts(uow.session, job.branch_id, skill=job.required_skill, now=uow.now)
    need = Need(job.required_skill, job.due_at, uow.now)
    trips = _trips(uow, job, known)
    judged = [rules.judge(facts, trips.get(facts.crew_id), need) for facts in known]
    return Ranking(job, uow.now, rules.ranked(judged))


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
    found = queries.crew_facts(uow.session, job.branch_id, skill=job.required_skill, now=uow.now, crew_id=crew.id)
    need = Need(job.required_skill, job.due_at, uow.now)
    judged = rules.judge(found[0], _trips(uow, job, found).get(crew.id), need)
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


def _lock_crew(uow: UnitOfWork, job: Job, crew_id: UUID) -> Crew:
    try:
        crew = crews.lock_crew(uow.session, crew_id)
    except NotFound as error:
        raise UnknownCrew(FieldError("crew_id", "not_found")) from error
    if crew.branch_id != job.branch_id:
        raise UnknownCrew(FieldError("crew_id", "not_found"))
    return crew


def _trips(uow: UnitOfWork, job: Job, known: list[CrewFacts]) -> dict[UUID, Trip]:
    """The way of every crew whose position is known."""
    placed = [(facts.crew_id, facts.position) for facts in known if facts.position is not None]
    if not placed:
        return {}
    origins = [position for _, position in placed]
    travel = travel_to(uow, branch_id=job.branch_id, target=job.location, origins=origins)
    figures = zip(travel.distance_m.tolist(), travel.time_s.tolist(), travel.estimated.tolist(), strict=True)
    return {crew_id: Trip(*figure) for (crew_id, _), figure in zip(placed, figures, strict=True)}
