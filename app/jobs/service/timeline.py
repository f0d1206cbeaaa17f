"""The timeline: every change of a job leaves a line in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from app.jobs.events import OutageJobMoved
from app.jobs.models import Job, JobEvent
from app.kernel.unit_of_work import UnitOfWork


def note_event(
    uow: UnitOfWork,
    job: Job,
    kind: str,
    *,
    at: datetime | None = None,
    crew_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Add a line, and wake the live screens of the branch. Empty details are left out."""
    uow.session.add(
        JobEvent(
            id=uow.new_id(),
            job_id=job.id,
            at=at or uow.now,
            received_at=uow.now,
            person_id=uow.actor.person_id,
            crew_id=crew_id,
            device_id=uow.device_id,
            kind=kind,
            detail={name: value for name, value in detail.items() if value is not None},
        )
    )
    uow.wake_live(job.branch_id)


def announce_move(uow: UnitOfWork, job: Job) -> None:
    """Let the outage follow its jobs."""
    if job.outage_id is not None:
        uow.emit(OutageJobMoved(job_id=job.id, outage_id=job.outage_id))
