"""What the collections have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection as Ids
from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from app.kernel.unit_of_work import UnitOfWork
from app.sync.errors import TabletMayNot
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.upcast import Upcaster

SCHEMA_VERSION = 1


class RoomCollection(ABC):
    """A synced kind of record. Without more, tablets only read it."""

    entity: ClassVar[str]
    schema_versions: ClassVar[frozenset[int]] = frozenset({SCHEMA_VERSION})
    upcasters: ClassVar[Mapping[int, Upcaster]] = {}
    rules: ClassVar[Mapping[str, FieldRule]] = {}
    on_delete: ClassVar[Policy] = Policy.HUMAN
    push_only: ClassVar[bool] = False

    @abstractmethod
    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """The record, locked for this transaction; deleted ones too; None if it never was."""

    def apply(self, ctx: UnitOfWork, change: Change) -> int:
        """Check and write; returns the new revision.

        Raises:
            TabletMayNot: tablets only read such records.
        """
        raise TabletMayNot(entity=self.entity, kind=change.kind.value)

    @abstractmethod
    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """The live records among `ids`, in one query."""

    @abstractmethod
    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """The buckets the record belongs to now."""
