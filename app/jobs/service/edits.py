"""Changes of a job that do not move it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shapely.geometry import Point

from app.jobs import queries, rules
from app.jobs.errors import NotYourJob
from app.jobs.models import Job, Priority
from app.jobs.service.timeline import announce_move, note_event
from app.kernel.actor import Permission
from app.kernel.geo import must_lie_in
from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork

BY_DESK = frozenset({"address", "note", "priority", "contact_name", "contact_phone", "location"})
BY_CREW = frozenset({"note", "finding"})
LONGEST_TEXT = 2_000


def edit_job(uow: UnitOfWork, *, job: Job, changes: Mapping[str, Any]) -> Job:
    """Correct what a job says. Only fields that really differ are written, and named in the timeline.

    Raises:
        Forbidden: the actor may not edit jobs of the branch.
        JobClosed: the job is completed or cancelled.
        Invalid: a field that is not the desk's, or a place outside the branch.
    """
    uow.actor.must(Permission.EDIT_JOBS, job.branch_id)
    rules.check_open(job.state)
    if "location" in changes:
        must_lie_in(queries.get_branch(uow.session, job.branch_id).boundary, changes["location"])
    return _write(uow, job, changes, BY_DESK, "edited")


def note_finding(uow: UnitOfWork, *, job: Job, fields: Mapping[str, Any]) -> Job:
    """What the crew writes about the job itself: `note` and `finding`.

    Raises:
        NotYourJob: the actor is not in the crew that holds the job, and is no dispatcher.
        JobClosed: the job is completed or cancelled.
        Invalid: another field.
    """
    if not queries.hands_of(uow.session, uow.actor, job):
        raise NotYourJob
    rules.check_open(job.state)
    return _write_words(uow, job, fields, "noted")


def correct_words(uow: UnitOfWork, *, job: Job, fields: Mapping[str, Any]) -> Job:
    """Settle a `note` or `finding` on which two disagree, also after the job was closed.

    Who may decide it is the caller's to say.

    Raises:
        Invalid: another field, or no text.
    """
    return _write_words(uow, job, fields, "corrected")


def note_place(uow: UnitOfWork, *, job: Job, location: Point) -> Job:
    """The crew stands at the job, and it is elsewhere than the job says.

    Raises:
        NotYourJob: the actor is not in the crew that holds the job, and is no dispatcher.
        JobClosed: the job is completed or cancelled.
        Invalid: a place outside the branch.
    """
    if not queries.hands_of(uow.session, uow.actor, job):
        raise NotYourJob
    rules.check_open(job.state)
    return correct_place(uow, job=job, location=location)


def correct_place(uow: UnitOfWork, *, job: Job, location: Point) -> Job:
    """Settle where the job is, also after it was closed. Who may decide it is the caller's to say.

    Raises:
        Invalid: a place outside the branch.
    """
    must_lie_in(queries.get_branch(uow.session, job.branch_id).boundary, location)
    return _write(uow, job, {"location": location}, frozenset({"location"}), "placed")


def _write_words(uow: UnitOfWork, job: Job, fields: Mapping[str, Any], kind: str) -> Job:
    words = {name: value for name, value in fields.items() if value is not None}
    if wrong := [name for name, value in words.items() if not rules.is_words(value, longest=LONGEST_TEXT)]:
        raise Invalid(*(FieldError(name, "invalid", {"max": LONGEST_TEXT}) for name in wrong))
    return _write(uow, job, fields, BY_CREW, kind)


def raise_priority(uow: UnitOfWork, *, job: Job, priority: Priority) -> None:
    """Make a job more urgent when a later call says so; never less."""
    higher = rules.more_urgent(job.priority, priority)
    if higher is not job.priority and job.state not in rules.CLOSED:
        note_event(uow, job, "priority_raised", before=job.priority.value, after=higher.value)
        job.priority = higher


def _write(uow: UnitOfWork, job: Job, fields: Mapping[str, Any], known: frozenset[str], kind: str) -> Job:
    if strange := sorted(set(fields) - known):
        raise Invalid(*(FieldError(name, "unknown_field") for name in strange))
    changed = sorted(name for name, value in fields.items() if getattr(job, name) != value)
    for name in changed:
        setattr(job, name, fields[name])
    if changed:
        note_event(uow, job, kind, fields=changed)
        uow.session.flush()  # the answer shows the new revision
    return job


def regroup(uow: UnitOfWork, *, job: Job, outage_id: UUID, number: str) -> None:
    """Let a job be about another outage, by that one's number in the timeline. The caller asks about rights."""
    job.outage_id = outage_id
    note_event(uow, job, "regrouped", outage=number)
    announce_move(uow, job)
