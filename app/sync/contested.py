"""A conflict changes no record, and yet somebody at a desk, and the crew, have to see it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.conflicts import queries as conflicts
from app.conflicts.service import ENTITY
from app.jobs.models import FormRecord, Job
from app.kernel.buckets import user_key
from app.kernel.unit_of_work import UnitOfWork
from app.media.models import Attachment
from mobile_sync.adapters.sql import SqlLedger, move
from mobile_sync.ledger import Clash
from mobile_sync.protocol import Device

_KINDS: Mapping[str, type[Job] | type[FormRecord] | type[Attachment]] = {
    "job": Job,
    "form_record": FormRecord,
    "attachment": Attachment,
}


class TellingLedger(SqlLedger):
    """The engine's ledger; live screens and tablets are told of what waits for a person."""

    def __init__(self, uow: UnitOfWork) -> None:
        super().__init__(uow.session, uow.now, uow.new_id)
        self.uow = uow

    def contest(self, device: Device, clash: Clash) -> UUID:
        """Tell, then open or join the conflict."""
        kind = _KINDS.get(clash.op.entity)
        found: Any = None if kind is None else self.session.get(kind, clash.op.rec_id)
        row: Job | FormRecord | Attachment | None = found
        if row is not None:
            job_id = row.id if isinstance(row, Job) else row.job_id
            self.uow.wake_live(row.branch_id, "job", job_id)
        conflict_id = super().contest(device, clash)
        self._place(device, conflict_id)
        return conflict_id

    def _place(self, device: Device, conflict_id: UUID) -> None:
        """On the tablets of the crew; the author is not in the ledger yet."""
        known = conflicts.places_of(self.session, [conflict_id], self.now)[conflict_id]
        own: set[str] = {user_key(device.person_id)} if device.person_id else set()
        move(self.session, ENTITY, conflict_id, buckets=known | own)
