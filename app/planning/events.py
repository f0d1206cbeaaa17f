"""Facts about plans."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.kernel.outbox import Event


@dataclass(frozen=True)
class PlanAsked(Event):
    """Somebody wants a day planned."""

    plan_id: UUID
