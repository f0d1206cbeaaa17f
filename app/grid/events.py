"""Facts about the networks at work."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.kernel.outbox import Event


@dataclass(frozen=True)
class Switched(Event):
    """A switch or valve was operated, or that was taken back: somebody may have lost supply or have it again."""

    switching_id: UUID
