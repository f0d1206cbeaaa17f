"""What follows when somebody wants a day planned."""

from __future__ import annotations

from uuid import UUID

from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork
from app.planning import making


@task
def make_plan(uow: UnitOfWork, *, plan_id: str) -> None:
    """Make it."""
    making.make(uow, UUID(plan_id))
