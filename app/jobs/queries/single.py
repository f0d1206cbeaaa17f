"""Single jobs, who may see them and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.crews.models import Crew, CrewMember
from app.identity.models import Branch
from app.jobs.models import Assignment, EndReason, Form, FormRecord, Job
from app.jobs.rules import Hand
from app.kernel.actor import Actor, Permission
from app.kernel.problems import NotFound


@dataclass(frozen=True)
class JobView:
    """A job with what its page needs at once."""

    job: Job
    assignment: Assignment | None
    crew: Crew | None
    record: FormRecord | None
    form: Form


# Aliases, so that a query that joins assignments itself is not mixed up with the condition on who may see.
_HELD, _MEMBER = aliased(Assignment), aliased(CrewMember)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A condition on Job: those of the actor's branches, or those their crew holds or has completed."""
    if actor.everything:
        return true()
    if actor.person_id is None:
        return false()
    desk, work = actor.branches_with(Permission.READ_ALL_JOBS), actor.branches_with(Permission.WORK_JOBS)
    everything = Job.branch_id.in_(desk)
    return or_(everything, and_(Job.branch_id.in_(work), _ours(actor.person_id))) if work else everything


def _ours(person_id: UUID) -> ColumnElement[bool]:
    own_crews = select(_MEMBER.crew_id).where(_MEMBER.person_id == person_id, _MEMBER.until.is_(None))
    return exists().where(
        _HELD.job_id == Job.id,
        _HELD.crew_id.in_(own_crews),
        or_(_HELD.end_reason.is_(None), _HELD.end_reason == EndReason.COMPLETED),
    )


def get_job(session: Session, actor: Actor, job_id: UUID) -> Job:
    """A job the actor may see.

    Raises:
        NotFound: there is none, or it is not theirs to see.
    """
    job = session.scalar(select(Job).where(Job.id == job_id, Job.deleted_at.is_(None), visible_to(actor)))
    if job is None:
        raise NotFound
    return job


def lock_job(session: Session, actor: Actor, job_id: UUID) -> Job:
    """A job the actor may see, held until the end of the transaction. Locked before crews, always.

    Raises:
        NotFound: there is none, or it is not theirs to see.
    """
    query = select(Job).where(Job.id == job_id, Job.deleted_at.is_(None), visible_to(actor)).with_for_update(of=Job)
    job = session.scalar(query, execution_options={"populate_existing": True})
    if job is None:
        raise NotFound
    return job


def lock_assignment_job(session: Session, actor: Actor, assignment_id: UUID) -> tuple[Job, Assignment]:
    """An assignment with its job, the job held until the end of the transaction.

    Raises:
        NotFound: there is none, or its job is not theirs to see.
    """
    job_id = session.scalar(select(Assignment.job_id).where(Assignment.id == assignment_id))
    if job_id is None:
        raise NotFound
    job = lock_job(session, actor, job_id)
    assignment = session.get_one(Assignment, assignment_id, populate_existing=True)
    return job, assignment


def open_assignment(session: Session, job_id: UUID) -> Assignment | None:
    """The assignment that has not ended; a job has at most one, by constraint."""
    return session.scalar(select(Assignment).where(Assignment.job_id == job_id, Assignment.ended_at.is_(None)))


def holding_crew(session: Session, *, job_id: UUID, person_id: UUID | None) -> UUID | None:
    """The crew that holds the job now, if this person is in it."""
    query = select(Assignment.crew_id).join(CrewMember, CrewMember.crew_id == Assignment.crew_id)
    mine = query.where(CrewMember.person_id == person_id, CrewMember.until.is_(None))
    return session.scalar(mine.where(Assignment.job_id == job_id, Assignment.ended_at.is_(None)))


def hands_of(session: Session, actor: Actor, job: Job) -> list[Hand]:
    """As whom the actor may move this job: as the crew that holds it, as the desk, as both or not at all."""
    hands = []
    works = actor.person_id is not None and actor.may(Permission.WORK_JOBS, job.branch_id)
    if works and holding_crew(session, job_id=job.id, person_id=actor.person_id) is not None:
        hands.append(Hand.CREW)
    if actor.may(Permission.DISPATCH, job.branch_id):
        hands.append(Hand.DESK)
    return hands


def view_job(session: Session, actor: Actor, job_id: UUID) -> JobView:
    """A job the actor may see, with its crew and checklist, in one query.

    Raises:
        NotFound: there is none, or it is not theirs to see.
    """
    row = session.execute(_view().where(Job.id == job_id, visible_to(actor))).first()
    if row is None:
        raise NotFound
    return JobView(*row)


def view_of(session: Session, job: Job) -> JobView:
    """The same of a job the caller holds already: a crew that hands it back still gets its answer."""
    return JobView(*session.execute(_view().where(Job.id == job.id)).one())


def _view() -> Select[Job, Assignment | None, Crew | None, FormRecord | None, Form]:
    query = (
        select(Job, Assignment, Crew, FormRecord, Form)
        .outerjoin(Assignment, and_(Assignment.job_id == Job.id, Assignment.ended_at.is_(None)))
        .outerjoin(Crew, Crew.id == Assignment.crew_id)
        .outerjoin(FormRecord, FormRecord.job_id == Job.id)
        .join(Form, and_(Form.code == Job.form_code, Form.version == Job.form_version))
    )
    return cast("Select[Job, Assignment | None, Crew | None, FormRecord | None, Form]", query).where(
        Job.deleted_at.is_(None)
    )


def jobs_of_outage(session: Session, outage_id: UUID) -> list[Job]:
    """The jobs of an outage, oldest first."""
    query = select(Job).where(Job.outage_id == outage_id, Job.deleted_at.is_(None))
    return list(session.scalars(query.order_by(Job.opened_at, Job.id)))


def jobs_of_outages(session: Session, outage_ids: Iterable[UUID]) -> list[Job]:
    """The jobs of these outages, held until the end of the transaction."""
    query = select(Job).where(Job.outage_id.in_(list(outage_ids)), Job.deleted_at.is_(None))
    return list(session.scalars(query.order_by(Job.id).with_for_update()))


def find_jobs(session: Session, actor: Actor, q: str, *, limit: int) -> list[Job]:
    """Jobs by the beginning or end of their number, newest first; each of the two goes by an index of its own."""
    wanted = q.upper()
    begins = Job.number.op("^@", is_comparison=True)(wanted)
    ends = Job.id.in_(select(func.jobs_ending_in(wanted)))
    shown, newest = (Job.deleted_at.is_(None), visible_to(actor)), (Job.opened_at.desc(), Job.id.desc())
    first, last = (select(Job.id).where(named, *shown).order_by(*newest).limit(limit) for named in (begins, ends))
    query = select(Job).where(Job.id.in_(first.union_all(last)))
    return list(session.scalars(query.order_by(*newest).limit(limit)))


def get_branch(session: Session, branch_id: UUID) -> Branch:
    """The branch of a job: its clock and its outline."""
    return session.get_one(Branch, branch_id)
