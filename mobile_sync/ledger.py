"""What the engine asks of the place where results, history and cursors are kept."""

from __future__ import annotations

from collections.abc import Collection as Many
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from mobile_sync.beliefs import VersionSeen
from mobile_sync.collection import FieldRule
from mobile_sync.protocol import Batch, Device, Op, Received, Result

Key = tuple[str, UUID]  # entity, record id


class Filed(NamedTuple):
    """An op of the ledger: its content's digest and its result."""

    digest: bytes
    result: Result


@dataclass(slots=True)
class Opening:
    """The ledger of a device at the start of a push.

    `high`: highest contiguous op_no. `filed`: the ops of the batch, and those it depends on, that are known. `waiting`:
    records with a held or quarantined op, and its number. `contested`: fields with an open conflict of this device.
    """

    epoch: str
    high: int
    filed: dict[int, Filed] = field(default_factory=dict)
    waiting: dict[Key, int] = field(default_factory=dict)
    contested: dict[Key, set[str]] = field(default_factory=dict)


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


class Asked(NamedTuple):
    """An op whose device may have to have held its record (S5).

    `at`: when the work was done, device time on the server's clock. `base_rev`: the revision that its person saw, as
    far as this life goes; 0: none.
    """

    op: Op
    at: datetime
    base_rev: int


class Ledger(Protocol):
    """One push of one device, in the transaction of its effects."""

    def begin(self, device: Device, batch: Batch) -> Opening:
        """Lock the device's ledger (P18) and read what the batch needs."""

    def prepare(self, unit: Sequence[Received]) -> None:
        """Before the savepoint of these ops: write what their judgement will have to read."""

    def authored(self, device: Device, ops: Sequence[Op], clock_error_ms: int) -> AbstractContextManager[None]:
        """Versions written inside are by these ops: by the one, or each by that of its record."""

    def versions_after(self, device: Device, wanted: Sequence[tuple[Op, int]]) -> Mapping[int, Sequence[VersionSeen]]:
        """By op_no the versions of the op's record after a revision, oldest first (M3)."""

    def shared_rev(self, op: Op) -> int:
        """The last revision of the op's record that is older than this life, 0 if there is none (M13)."""

    def held_by(self, device: Device, asked: Sequence[Asked]) -> Many[int]:
        """The op_nos whose record is in a bucket of the device now, was made on it (S6), or was held by it (S5)."""

    def contest(self, device: Device, clash: Clash) -> UUID:
        """Open a conflict, or join the open one of this device on this field (M6)."""

    def declare(self, device: Device, ops: Sequence[Op]) -> None:
        """Write down the files of these ops (P17)."""

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


class EntryRow(NamedTuple):
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

    def live(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        """The same without those gone, wherever it begins."""

    def count(self, key: str, *, since: int) -> int:
        """How many entries there are above `since`; from 0 without those gone."""
