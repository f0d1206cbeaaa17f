"""What follows when a crew gives a job back."""

from __future__ import annotations

from uuid import UUID

from app.dispatch import alerts
from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork


@task
def note_given_back(uow: UnitOfWork, *, assignment_id: str, job_id: str) -> None:  # noqa: ARG001  # the event names both
    """Put it before the desk."""
    alerts.note_given_back(uow, assignment_id=UUID(assignment_id))
