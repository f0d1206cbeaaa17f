"""What the engine asks of the place where results, history and cursors are kept."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from mobile_sync.beliefs import Shape
from mobile_sync.collection import FieldRule
from mobile_sync.merge import Believed
from mobile_sync.protocol import Batch, Device, Op, Received, Result

Key = tuple[str, UUID]  # entity, record id


@dataclass(frozen=True, slots=True)
class Filed:
    """An op of the ledger: its content's digest and its result."""

    digest: bytes
    result: Result


@dataclass(slots=True)
class Opening:
    """The ledger of a device at the start of a push.

    `high`: highest contiguous op_no. `filed`: the ops of the batch, and those it depends on, that are known. `waiting`:
    records with a held or quarantined op, and its number. `contested`: fields with an open conflict of this device.
    `held`: the batch's records that are in a bucket of the device now.
    """

    epoch: str
    high: int
    filed: dict[int, Filed] = field(default_factory=dict)
    waiting: dict[Key, int] = field(default_factory=dict)
    contested: dict[Key, set[str]] = field(default_factory=dict)
    held: set[Key] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Clash:
    """A value that waits for a person: what the device believed, what the server holds, what the device says."""

    op: Op
    field: str
    base: Any
    theirs: Any
    mine: Any
    theirs_rev: int
    rule: FieldRule


class Ledger(Protocol):
    """One push of one device, in the transaction of its effects."""

    def begin(self, device: Device, batch: Batch) -> Opening:
        """Lock the device's ledger (P18) and read what the batch needs."""

    def prepare(self, unit: Sequence[Received]) -> None:
        """Before the savepoint of these ops: write what their judgement will have to read."""

    def authored(self, device: Device, op: Op, clock_error_ms: int) -> AbstractContextManager[None]:
        """Versions written inside are by this op."""

    def believed(self, device: Device, op: Op, *, base_rev: int, contested: frozenset[str], shape: Shape) -> Believed:
        """What the device believed about the op's fields, from the history after `base_rev` (M3).

        `shape` brings what earlier ops of the device said to today's names.
        """

    def held_by(self, device: Device, op: Op, at: datetime) -> bool:
        """True: the record is in a bucket of the device now, was at `at`, or was made on it (S5, S6)."""

    def contest(self, device: Device, clash: Clash) -> UUID:
        """Open a conflict, or join the open one of this device on this field (M6)."""

    def declare(self, device: Device, op: Op) -> None:
        """Write down the op's files (P17)."""

    def file(self, device: Device, received: Received, result: Result, clock_error_ms: int) -> None:
        """Keep a result."""

    def close(self, device: Device, batch: Batch, high: int, clock_error_ms: int) -> None:
        """The device's highest contiguous op_no is now `high`."""


@dataclass(frozen=True, slots=True)
class BucketRow:
    """A bucket as of the snapshot. `moving`: something in it changed and has no new seq yet."""

    key: str
    high_seq: int = 0
    low_seq: int = 0
    row_count: int = 0
    checksum: int = 0
    moving: bool = False


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A record's place in a bucket."""

    seq: int
    entity: str
    rec_id: UUID
    gone: bool


class Feed(Protocol):
    """Reading buckets, all from one snapshot (L4)."""

    def epoch(self) -> str:
        """The server's present life (W11)."""

    def buckets(self, keys: Many[str]) -> Mapping[str, BucketRow]:
        """The buckets that have ever had a record."""

    def entries(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        """The first `limit` entries above `since` by seq; from 0, without those gone (S2)."""
