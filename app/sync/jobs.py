"""Jobs and their checklists on tablets."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, and_, select

from app.jobs import queries, rules, service
from app.jobs.models import Assignment, FormRecord, Job, JobState
from app.jobs.rules import Hand
from app.kernel.geo import point_from_geojson
from app.kernel.unit_of_work import UnitOfWork
from app.outages.models import Outage
from app.sync.collection import RoomCollection
from app.sync.errors import TabletMayNot
from app.sync.placement import places_of_jobs
from app.sync.reading import corrected
from app.sync.values import plain
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.protocol import Kind

OWN_WORDS = ("note", "finding")
JOB_COLUMNS = (
    *("number", "kind", "state", "priority", "required_skill", "address", "location", "contact_name", "contact_phone"),
    *("premises_id", "outage_id", "form_code", "form_version", "window_start", "window_end", "due_at"),
    *("note", "finding", "opened_at", "arrived_at", "restored_at", "completed_at"),
)


def steps() -> dict[str, list[str]]:
    """Where a crew may move a job, with the words for giving it back."""
    found = {}
    for before, after in rules.TRANSITIONS.items():
        open_to_crew = [state.value for state, hands in after.items() if Hand.CREW in hands]
        back = "refused" if before in {JobState.ASSIGNED, JobState.PLANNED} else "handed_back"
        found[before.value] = [*open_to_crew, back] if JobState.NEW.value in open_to_crew else open_to_crew
    return found


class JobCollection(RoomCollection):
    """A crew's work: read whole, moved by its state, with a note, a finding, and the place where it really is."""

    entity = "job"
    rules: ClassVar = {
        "state": FieldRule(Policy.STATE_MACHINE, steps()),
        "reason": FieldRule(Policy.DEVICE),
        "note": FieldRule(Policy.APPEND),
        "finding": FieldRule(Policy.HUMAN),
        "location": FieldRule(Policy.HUMAN),
    }

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """`reason` belongs to a step, not to the job: it is never stored."""
        job = ctx.session.get(Job, rec_id, with_for_update=True, populate_existing=True)
        if job is None:
            return None
        fields = {"state": job.state.value, "reason": None, "note": job.note, "finding": job.finding}
        fields["location"] = plain(job.location)
        return Stored(job.rev, fields, deleted=job.deleted_at is not None)

    def apply(self, ctx: UnitOfWork, change: Change) -> int:
        """Write down first, then move: completing closes the job."""
        if change.kind is not Kind.UPDATE:
            raise TabletMayNot(entity=self.entity, kind=change.kind.value)
        job = queries.lock_job(ctx.session, ctx.actor, change.rec_id)
        words = {name: change.fields[name] for name in OWN_WORDS if name in change.fields}
        if words:
            service.note_finding(ctx, job=job, fields=words)
        if "location" in change.fields:
            service.note_place(ctx, job=job, location=point_from_geojson(change.fields["location"]))
        if "state" in change.fields:
            at = corrected(ctx, change.op.device_at)
            service.transition(ctx, job=job, to=change.fields["state"], reason=change.fields.get("reason"), at=at)
        return job.rev

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """A job with everything a tablet needs without a link."""
        query = (
            select(Job, Outage.number, FormRecord.id, Assignment)
            .outerjoin(Outage, Outage.id == Job.outage_id)
            .outerjoin(FormRecord, FormRecord.job_id == Job.id)
            .outerjoin(Assignment, and_(Assignment.job_id == Job.id, Assignment.ended_at.is_(None)))
            .where(Job.id.in_(ids), Job.deleted_at.is_(None))
        )
        return {row[0].id: Doc(row[0].rev, job_doc(row)) for row in ctx.session.execute(query)}

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Its crew's and the live screens'."""
        return places_of_jobs(ctx.session, [rec_id], ctx.now).get((self.entity, rec_id), frozenset())


def job_doc(row: Row[Job, str | None, UUID | None, Assignment | None]) -> dict[str, Any]:
    """The job, its outage's number, its checklist's id, and the assignment that is open."""
    job, outage_number, record_id, assignment = row
    return {
        "id": str(job.id),
        **{name: plain(getattr(job, name)) for name in JOB_COLUMNS},
        "outage_number": outage_number,
        "form_record_id": plain(record_id),
        "assignment": assignment and _assignment_doc(assignment),
    }


def _assignment_doc(assignment: Assignment) -> dict[str, Any]:
    names = ("id", "crew_id", "live", "planned_start", "planned_end", "assigned_at")
    return {name: plain(getattr(assignment, name)) for name in names}


class FormRecordCollection(RoomCollection):
    """Checklists: each answer is a field of its own; two people who disagree are asked.

    A form may say otherwise of a question: `"x-policy": "never"` where safety hangs on the answer.
    """

    entity = "form_record"
    rules: ClassVar = {"answers.*": FieldRule(Policy.HUMAN)}

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """Answers by dotted names."""
        record = ctx.session.get(FormRecord, rec_id, with_for_update=True, populate_existing=True)
        if record is None:
            return None
        fields = {f"answers.{item}": value for item, value in record.answers.items()}
        form = queries.form_of(ctx.session, code=record.form_code, version=record.form_version)
        return Stored(record.rev, fields, record.deleted_at is not None, self._rules_of(form.document))

    def _rules_of(self, document: Mapping[str, Any]) -> Mapping[str, FieldRule]:
        """What the form says of its questions goes before what holds for answers in general."""
        own = rules.answer_policies(document)
        return {**self.rules, **{f"answers.{item}": FieldRule(policy) for item, policy in own.items()}}

    def apply(self, ctx: UnitOfWork, change: Change) -> int:
        """Answer by answer, each checked against the form."""
        if change.kind is not Kind.UPDATE:
            raise TabletMayNot(entity=self.entity, kind=change.kind.value)
        record = queries.lock_record(ctx.session, ctx.actor, change.rec_id)
        for name, value in change.fields.items():
            service.answer(ctx, record=record, item=name.removeprefix("answers."), value=value)
        return record.rev

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """The answers so far and which form they answer."""
        query = select(FormRecord).where(FormRecord.id.in_(ids), FormRecord.deleted_at.is_(None))
        return {record.id: Doc(record.rev, _record_doc(record)) for record in ctx.session.scalars(query)}

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Its job's."""
        record = ctx.session.get(FormRecord, rec_id)
        jobs = [] if record is None else [record.job_id]
        return places_of_jobs(ctx.session, jobs, ctx.now).get((self.entity, rec_id), frozenset())


def _record_doc(record: FormRecord) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "job_id": str(record.job_id),
        "form_code": record.form_code,
        "form_version": record.form_version,
        "answers": record.answers,
    }
