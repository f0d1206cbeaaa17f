"""What a server holds, in one shape whatever it is made of: for the checks alone, which know no engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record as the application holds it, and the buckets its predicate puts it in."""

    rev: int
    fields: Mapping[str, Any]
    deleted: bool
    buckets: frozenset[str]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One revision in the history."""

    rev: int
    patch: Mapping[str, Sequence[Any]]
    device_id: UUID | None
    op_no: int | None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """An op as received and its stored result."""

    body: Mapping[str, Any]
    status: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContestRow:
    """A conflict."""

    id: UUID
    device_id: UUID
    key: str
    field: str
    mine: Any
    state: str


@dataclass(frozen=True)
class Truth:
    """A snapshot. Keys are `entity/id`. `members`: what each bucket says is in it. `blobs`: state by hash."""

    records: Mapping[str, RecordRow]
    versions: Mapping[str, Sequence[VersionRow]]
    ledger: Mapping[tuple[UUID, int], LedgerRow]
    contests: Sequence[ContestRow]
    members: Mapping[str, frozenset[str]]
    declared: Mapping[tuple[str, str, str], UUID]
    blobs: Mapping[str, str]
    contents: Mapping[str, bytes]

    def live(self, buckets: frozenset[str]) -> dict[str, RecordRow]:
        """What a device with these buckets must hold."""
        return {key: row for key, row in self.records.items() if not row.deleted and row.buckets & buckets}
