"""Forms, filled records, and which of a job's photo and signature slots are filled."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jobs.models import Form, FormRecord, Job, JobKind
from app.jobs.queries.single import visible_to
from app.jobs.rules import Slot
from app.kernel.actor import Actor
from app.kernel.problems import NotFound
from app.media.models import Attachment


def newest_form(session: Session, kind: JobKind) -> Form | None:
    """The form a job of this kind gets today."""
    query = select(Form).where(Form.job_kind == kind)
    return session.scalar(query.order_by(Form.published_at.desc(), Form.version.desc()).limit(1))


def form_of(session: Session, *, code: str, version: int) -> Form:
    """A published version of a form; what a job refers to is never removed."""
    return session.get_one(Form, (code, version))


def record_of(session: Session, job_id: UUID) -> FormRecord | None:
    """The filled checklist of a job."""
    return session.scalar(select(FormRecord).where(FormRecord.job_id == job_id))


def lock_record(session: Session, actor: Actor, record_id: UUID) -> FormRecord:
    """A filled checklist, held until the end of the transaction.

    Raises:
        NotFound: there is none, or its job is not the actor's to see.
    """
    query = select(FormRecord).join(Job, Job.id == FormRecord.job_id).where(FormRecord.id == record_id)
    held = query.where(FormRecord.deleted_at.is_(None), visible_to(actor)).with_for_update(of=FormRecord)
    record = session.scalar(held, execution_options={"populate_existing": True})
    if record is None:
        raise NotFound
    return record


def filled_slots(session: Session, job_id: UUID) -> list[Slot]:
    """Slots with a declared file: its bytes may still be on their way, but it was not refused."""
    query = select(Attachment.kind, Attachment.slot).where(Attachment.job_id == job_id)
    valid = query.where(Attachment.deleted_at.is_(None), Attachment.refused.is_(None))
    return [Slot(kind.value, slot) for kind, slot in session.execute(valid)]
