"""Conflicts on tablets: what waits for a person arrives there, and a person there may decide it."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from app.conflicts import queries, service
from app.conflicts.schemas import DecisionIn
from app.kernel.unit_of_work import UnitOfWork
from app.sync.collection import RoomCollection
from app.sync.errors import TabletMayNot
from app.sync.reading import read
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.protocol import Kind

DECISION = ("take", "value", "reason", "saw")


class ConflictCollection(RoomCollection):
    """Read whole; an update is a decision, made by the same verb as the desk's."""

    entity = service.ENTITY
    rules: ClassVar = dict.fromkeys(DECISION, FieldRule(Policy.DEVICE))

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """A decision stands in the conflict's own columns and is made once: nothing here is merged."""
        rev = queries.lock_rev(ctx.session, rec_id)
        return None if rev is None else Stored(rev, {})

    def apply(self, ctx: UnitOfWork, change: Change) -> int:
        """Decide, on what was shown on the tablet."""
        if change.kind is not Kind.UPDATE:
            raise TabletMayNot(entity=self.entity, kind=change.kind.value)
        decision = read(DecisionIn(), change.op.fields)
        return service.settle_as_seen(ctx, conflict_id=change.rec_id, **decision)

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """Both values in full, who wrote them, who may decide, and what was decided."""
        return queries.docs_of(ctx.session, ids)

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Of the crew on the job, of the author, of the one who is to decide."""
        return queries.places_of(ctx.session, [rec_id], ctx.now)[rec_id]
