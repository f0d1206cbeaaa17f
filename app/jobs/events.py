"""Facts about jobs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.kernel.outbox import Event


@dataclass(frozen=True)
class OutageJobMoved(Event):
    """A job of an outage entered another state; the outage may follow."""

    job_id: UUID
    outage_id: UUID


@dataclass(frozen=True)
class JobGivenBack(Event):
    """A crew refused a job or handed it back."""

    assignment_id: UUID
    job_id: UUID
