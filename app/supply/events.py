"""Facts about supply."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.kernel.outbox import Event


@dataclass(frozen=True)
class SupplyChanged(Event):
    """It became known who an outage cut off, when they will have supply again, or that some have it."""

    outage_id: UUID
