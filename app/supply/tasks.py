"""What follows for the cut off when something was operated."""

from __future__ import annotations

from uuid import UUID

from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork
from app.supply import stages


@task
def follow_switching(uow: UnitOfWork, *, switching_id: str) -> None:
    """Let interruptions follow an operation."""
    stages.follow_switching(uow, switching_id=UUID(switching_id))
