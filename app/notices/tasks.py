"""What follows for customers when something became known of their supply."""

from __future__ import annotations

from uuid import UUID

from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork
from app.notices import service


@task
def plan(uow: UnitOfWork, *, outage_id: str) -> None:
    """Write down what is to be said now."""
    service.plan(uow, outage_id=UUID(outage_id))
