"""The life of a job: opened, given to a crew, moved step by step, finished."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.jobs import queries, rules
from app.jobs.errors import JobIncomplete, NoForm, ReasonRequired
from app.jobs.events import JobGivenBack
from app.jobs.models import Assignment, EndReason, FormRecord, Job, JobState
from app.jobs.rules import Asked, Hand
from app.jobs.service.timeline import announce_move, note_event
from app.kernel.actor import Permission
from app.kernel.numbers import next_number
from app.kernel.problems import FieldError, Forbidden
from app.kernel.unit_of_work import UnitOfWork

LONGEST_REASON = 500
Window = tuple[datetime, datetime]


def open_job(uow: UnitOfWork, *, branch_id: UUID, asked: Asked, number: str | None = None) -> Job:
    """A new job with its number and its empty checklist. Whether it may be opened is the caller's to decide.

    `number` is one the caller has already taken from the job kind's series (`rules.PREFIXES`).

    Raises:
        NoForm: no checklist is published for this kind of job.
    """
    form = queries.newest_form(uow.session, asked.kind)
    if form is None:
        raise NoForm(kind=asked.kind.value)
    start, end = asked.window or (None, None)
    job = Job(
        id=uow.new_id(),
        branch_id=branch_id,
        number=number or _number(uow, branch_id, rules.PREFIXES[asked.kind]),
        kind=asked.kind,
        state=JobState.NEW,
        priority=asked.priority,
        required_skill=asked.required_skill or rules.SKILL_FOR[asked.kind],
        address=asked.address,
        location=asked.location,
        contact_name=asked.contact_name,
        contact_phone=asked.contact_phone,
        premises_id=asked.premises_id,
        outage_id=asked.outage_id,
        form_code=form.code,
        form_version=form.version,
        window_start=start,
        window_end=end,
        due_at=asked.due_at,
        note=asked.note,
        opened_at=uow.now,
    )
    uow.session.add(job)
    uow.session.flush()  # the record's and the event's foreign keys need the row
    uow.session.add(_empty_record(uow, job))
    note_event(uow, job, "opened", priority=job.priority.value)
    return job


def assign(
    uow: UnitOfWork,
    *,
    job: Job,
    crew_id: UUID,
    reasons: list[Any],
    live: bool = True,
    window: Window | None = None,
) -> Assignment:
    """Give a new or planned job to a crew: now (`live`) or as a booked visit. A booking of another crew ends.

    Raises:
        WrongTransition: the job is neither new nor planned.
        CrewBusy, JobTaken, VisitOverlap: somebody was faster (named constraints, at flush).
    """
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    after = JobState.ASSIGNED if live else JobState.PLANNED
    rules.check_takes_crew(job.kind, job.state, after)
    booked = queries.open_assignment(uow.session, job.id)
    if booked is not None:
        _end(uow, booked, EndReason.WITHDRAWN)
    assignment = _assignment(uow, job, crew_id, reasons, live=live, window=window)
    job.state = after
    note_event(uow, job, after.value, crew_id=crew_id, **_times(window))
    uow.session.flush()  # the constraint must say CrewBusy here, in the verb, not in whatever comes next
    return assignment


def move_visit(
    uow: UnitOfWork, *, job: Job, visit: Assignment, crew_id: UUID, reasons: list[Any], window: Window
) -> Assignment:
    """Book a planned job anew: for another time, another crew, or both. The old booking ends and stays on record.

    Raises:
        Forbidden: the actor does not dispatch in the branch.
        WrongTransition: the job is not planned.
        VisitOverlap: the crew has another visit at that time (named constraint, at flush).
    """
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    rules.check_booked(job.kind, job.state)
    _end(uow, visit, EndReason.WITHDRAWN)
    moved = _assignment(uow, job, crew_id, reasons, live=False, window=window)
    job.rev += 1  # not a column of the job has changed, but what tablets and screens show of it has
    note_event(uow, job, "moved", crew_id=crew_id, **_times(window))
    uow.session.flush()  # the constraint must say VisitOverlap here
    return moved


def transition(
    uow: UnitOfWork, *, job: Job, to: JobState | str, reason: str | None = None, at: datetime | None = None
) -> Job:
    """One step of a job's life by the crew that holds it or by the desk.

    Raises:
        Forbidden: the actor neither holds the job nor dispatches in its branch.
        WrongTransition: there is no such step from the present state (`allowed` says which there are).
        ReasonRequired: back to new, or cancelled, without a reason.
        JobIncomplete: completed while answers, photos or signatures are missing; `errors` lists them.
        CrewBusy: a booked visit was accepted while the crew is on another job.
    """
    after = rules.target(to)
    hands = queries.hands_of(uow.session, uow.actor, job)
    if not hands:
        raise Forbidden
    rules.check_step(job.kind, job.state, after, hands)
    _check_reason(after, reason)
    if after is JobState.COMPLETED:
        _check_complete(uow, job)
    return _move(uow, job, after, hands[0], reason, rules.plausible_time(at, opened_at=job.opened_at, now=uow.now))


def withdraw(uow: UnitOfWork, *, job: Job, reason: str | None = None) -> Job:
    """Take a job back from its crew, whoever else the actor is; the job is new again.

    Raises:
        Forbidden: the actor does not dispatch in the branch.
        WrongTransition: no crew holds it, or its supply is restored already.
    """
    uow.actor.must(Permission.DISPATCH, job.branch_id)
    rules.check_step(job.kind, job.state, JobState.NEW, [Hand.DESK])
    return _move(uow, job, JobState.NEW, Hand.DESK, reason, uow.now)


def _assignment(
    uow: UnitOfWork, job: Job, crew_id: UUID, reasons: list[Any], *, live: bool, window: Window | None
) -> Assignment:
    start, end = window or (None, None)
    assignment = Assignment(
        id=uow.new_id(),
        branch_id=job.branch_id,
        job_id=job.id,
        crew_id=crew_id,
        live=live,
        planned_start=start,
        planned_end=end,
        assigned_at=uow.now,
        assigned_by=uow.actor.person_id,
        reasons=reasons,
    )
    uow.session.add(assignment)
    return assignment


def _times(window: Window | None) -> dict[str, Any]:
    """A visit's times as the timeline keeps them."""
    return {} if window is None else {"planned_start": window[0].isoformat(), "planned_end": window[1].isoformat()}


def _move(uow: UnitOfWork, job: Job, after: JobState, hand: Hand, reason: str | None, at: datetime) -> Job:
    before, held = job.state, queries.open_assignment(uow.session, job.id)
    ended = rules.end_reason(before, after, hand)
    job.state = after
    _stamp(job, before, after, at)
    if held is not None and ended is not None:
        _end(uow, held, ended)
        if ended in {EndReason.REFUSED, EndReason.HANDED_BACK}:
            uow.emit(JobGivenBack(assignment_id=held.id, job_id=job.id))
    elif held is not None and after is JobState.ACCEPTED:
        held.live = True
    crew_id = None if held is None else held.crew_id
    note_event(uow, job, rules.event_kind(after, ended), at=at, crew_id=crew_id, reason=reason, before=before.value)
    announce_move(uow, job)
    uow.session.flush()  # the constraint must say CrewBusy here, and the answer shows the new revision
    return job


def _stamp(job: Job, before: JobState, after: JobState, at: datetime) -> None:
    """Keep the times that deadlines are measured by. A repair that failed again was not restored."""
    if after is JobState.ARRIVED:
        job.arrived_at = at
    elif after is JobState.RESTORED:
        job.restored_at = at
    elif after is JobState.COMPLETED:
        job.completed_at = at
    elif before is JobState.RESTORED or after is JobState.NEW:
        job.restored_at = None
        job.arrived_at = None if after is JobState.NEW else job.arrived_at


def _end(uow: UnitOfWork, assignment: Assignment, reason: EndReason) -> None:
    assignment.ended_at = uow.now
    assignment.end_reason = reason
    uow.session.flush()  # the next assignment of this crew or job must not meet the old one in the index


def _check_reason(after: JobState, reason: str | None) -> None:
    if reason is not None and not rules.is_words(reason, longest=LONGEST_REASON):
        raise ReasonRequired(FieldError("reason", "invalid", {"max": LONGEST_REASON}))
    if after in rules.NEEDS_REASON and not (reason or "").strip():
        raise ReasonRequired(FieldError("reason", "required"))


def _check_complete(uow: UnitOfWork, job: Job) -> None:
    form = queries.form_of(uow.session, code=job.form_code, version=job.form_version)
    record = queries.record_of(uow.session, job.id)
    answers = {} if record is None else record.answers
    gone = rules.missing(form.document, answers, queries.filled_slots(uow.session, job.id))
    if gone:
        raise JobIncomplete(*(FieldError(name, "required") for name in gone), missing=gone)


def _empty_record(uow: UnitOfWork, job: Job) -> FormRecord:
    return FormRecord(
        id=uow.new_id(),
        branch_id=job.branch_id,
        job_id=job.id,
        form_code=job.form_code,
        form_version=job.form_version,
        answers={},
    )


def _number(uow: UnitOfWork, branch_id: UUID, prefix: str) -> str:
    timezone = queries.get_branch(uow.session, branch_id).timezone
    return next_number(uow.session, branch_id=branch_id, prefix=prefix, now=uow.now, timezone=timezone)
