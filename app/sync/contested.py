"""A conflict changes no record, and yet somebody at a desk has to see it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.jobs.models import FormRecord, Job
from app.kernel.unit_of_work import UnitOfWork
from app.media.models import Attachment
from mobile_sync.adapters.sql import SqlLedger
from mobile_sync.ledger import Clash
from mobile_sync.protocol import Device

_KINDS: Mapping[str, type[Job] | type[FormRecord] | type[Attachment]] = {
    "job": Job,
    "form_record": FormRecord,
    "attachment": Attachment,
}


class TellingLedger(SqlLedger):
    """The engine's ledger; live screens are told of the job in which a value waits for a person."""

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
        return super().contest(device, clash)
