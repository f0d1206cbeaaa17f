"""Verbs of deadlines: show a job's clocks, let them stand still, explain what was missed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.deadlines import posted, queries, rules
from app.deadlines.errors import AlreadyExplained, ClocksRun, ClocksStandStill, NotMissed, UnknownLimit
from app.deadlines.models import DeadlineDeviation, DeadlinePause, PauseCause
from app.deadlines.queries import Facts
from app.deadlines.rules import BREACHED, Running
from app.identity.service import audit
from app.jobs import queries as jobs
from app.jobs.models import Job
from app.jobs.rules import check_open
from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Shown:
    """A job's clocks, the one that runs out next first, with what was said of them."""

    facts: Facts
    clocks: list[Running]

    @property
    def paused(self) -> bool:
        """Whether the clocks stand still now."""
        return any(pause.ended_at is None for pause in self.facts.pauses)

    def owes(self, clock: Running) -> bool:
        """Whether this limit was missed and nobody has said why."""
        return clock.state in BREACHED and clock.limit.code not in self.facts.deviations


def shown(uow: UnitOfWork, facts: Facts) -> Shown:
    """The clocks of a job as they stand now."""
    pauses = [(pause.began_at, pause.ended_at) for pause in facts.pauses]
    calendar = posted.calendar(facts.timezone)
    return Shown(facts, rules.clocks(facts.times, posted.limits(), calendar, pauses, uow.now))


def of_job(uow: UnitOfWork, job_id: UUID) -> Shown:
    """The clocks of a job the actor may see.

    Raises:
        NotFound: there is none, or it is not theirs to see.
    """
    job = jobs.get_job(uow.session, uow.actor, job_id)
    return shown(uow, queries.of_jobs(uow.session, [job.id])[0])


def pause(uow: UnitOfWork, job_id: UUID, *, cause: PauseCause, note: str | None = None) -> Shown:
    """Let the clocks of an open job stand still from now on.

    Raises:
        NotFound, Forbidden: not the actor's job to edit.
        JobClosed: it is over. ClocksStandStill: they do already.
    """
    job = _held(uow, job_id)
    check_open(job.state)
    if queries.open_pause(uow.session, job.id) is not None:
        raise ClocksStandStill
    uow.session.add(
        DeadlinePause(
            id=uow.new_id(),
            branch_id=job.branch_id,
            job_id=job.id,
            cause=cause,
            note=note,
            began_at=uow.now,
            person_id=uow.actor.person_id,
        )
    )
    return _changed(uow, job, "clocks_paused", cause.value)


def resume(uow: UnitOfWork, job_id: UUID) -> Shown:
    """Let the clocks run on.

    Raises:
        NotFound, Forbidden: not the actor's job to edit.
        ClocksRun: they are not paused.
    """
    job = _held(uow, job_id)
    standing = queries.open_pause(uow.session, job.id)
    if standing is None:
        raise ClocksRun
    standing.ended_at = uow.now
    return _changed(uow, job, "clocks_resumed", standing.cause.value)


def explain(uow: UnitOfWork, job_id: UUID, code: str, *, reason: str) -> Shown:
    """Say why a limit was missed. Said once: it is a record, not a note.

    Raises:
        NotFound, Forbidden: not the actor's job to edit.
        UnknownLimit: the job has no limit of this code. NotMissed: it was met, or still runs.
        AlreadyExplained
    """
    job = _held(uow, job_id)
    before = of_job(uow, job_id)
    clock = next((one for one in before.clocks if one.limit.code == code), None)
    if clock is None:
        raise UnknownLimit(code=code, codes=[one.limit.code for one in before.clocks])
    if clock.state not in BREACHED:
        raise NotMissed(state=clock.state.value)
    if code in before.facts.deviations:
        raise AlreadyExplained
    uow.session.add(
        DeadlineDeviation(
            id=uow.new_id(),
            branch_id=job.branch_id,
            job_id=job.id,
            code=code,
            reason=reason,
            at=uow.now,
            person_id=uow.actor.person_id,
        )
    )
    return _changed(uow, job, "deviation_explained", code)


def _held(uow: UnitOfWork, job_id: UUID) -> Job:
    job = jobs.lock_job(uow.session, uow.actor, job_id)
    uow.actor.must(Permission.EDIT_JOBS, job.branch_id)
    return job


def _changed(uow: UnitOfWork, job: Job, action: str, about: str) -> Shown:
    uow.session.flush()
    audit(uow, action, "job", job.id, {"about": about}, branch_id=job.branch_id)
    uow.wake_live(job.branch_id, "job", job.id)
    return of_job(uow, job.id)
