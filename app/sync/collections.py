"""Every kind of record that tablets know, by its name on the wire."""

from __future__ import annotations

from app.kernel.unit_of_work import UnitOfWork
from app.sync.attachments import AttachmentCollection
from app.sync.conflicts import ConflictCollection
from app.sync.crews import CrewCollection, FormCollection, PositionCollection
from app.sync.jobs import FormRecordCollection, JobCollection
from app.sync.outages import OutageCollection
from mobile_sync.collection import Collection

_ALL: tuple[Collection[UnitOfWork], ...] = (
    JobCollection(),
    FormRecordCollection(),
    AttachmentCollection(),
    CrewCollection(),
    FormCollection(),
    PositionCollection(),
    ConflictCollection(),
    OutageCollection(),
)
COLLECTIONS: dict[str, Collection[UnitOfWork]] = {one.entity: one for one in _ALL}
