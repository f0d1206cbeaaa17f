"""Facts about dispatch."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.kernel.outbox import Event


@dataclass(frozen=True)
class CrewDispatched(Event):
    """A crew was sent to a job."""

    assignment_id: UUID
    job_id: UUID
    crew_id: UUID


@dataclass(frozen=True)
class CrewWithdrawn(Event):
    """A job was taken back from its crew."""

    assignment_id: UUID
    job_id: UUID
    crew_id: UUID
