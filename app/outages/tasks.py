"""What follows for an outage when one of its jobs has moved."""

from __future__ import annotations

from uuid import UUID

from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork
from app.outages import service


@task
def follow_jobs(uow: UnitOfWork, *, outage_id: str, job_id: str) -> None:  # noqa: ARG001  # the event names both
    """Let the outage stand where its jobs stand."""
    service.follow_jobs(uow, outage_id=UUID(outage_id))
