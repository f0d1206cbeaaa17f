"""Tasks that leave a trace in the database: so that the tests can count what was done how often."""

from __future__ import annotations

import time
from uuid import UUID

from app.identity.models import AuditEntry
from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork


@task
def leave_trace(uow: UnitOfWork, *, subject: str) -> None:
    """Write one line."""
    trace(uow, subject)


@task
def leave_trace_slowly(uow: UnitOfWork, *, subject: str, seconds: float) -> None:
    """Write one line, then take long: whoever is killed meanwhile has written nothing."""
    trace(uow, subject)
    uow.session.flush()
    time.sleep(seconds)


@task
def break_down(uow: UnitOfWork, *, subject: str) -> None:
    """Write one line, then fail."""
    trace(uow, subject)
    raise ValueError("words that may hold a customer's name")


def not_a_task(uow: UnitOfWork, *, subject: str) -> None:
    """Nothing the outbox may name."""


def trace(uow: UnitOfWork, subject: str) -> None:
    uow.session.add(
        AuditEntry(
            id=uow.new_id(),
            branch_id=None,
            at=uow.now,
            action="done",
            entity="test",
            entity_id=UUID(subject),
            detail={},
        )
    )
