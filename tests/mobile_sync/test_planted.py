"""Bugs that sync engines have had, planted one by one: the simulation must find each, and nothing where there is none.

A plant is a subclass of the sound part. No check knows which bug is planted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from mobile_sync import judge, pull, reading
from mobile_sync.beliefs import VersionSeen
from mobile_sync.collection import FieldRule, Policy
from mobile_sync.kept import Kept
from mobile_sync.ledger import BucketRow, Clash, EntryRow, Key, Opening
from mobile_sync.memory.files import MemoryFiles
from mobile_sync.memory.ledger import MemoryFeed, MemoryLedger
from mobile_sync.memory.state import Place
from mobile_sync.outbox import Outbox, Stage
from mobile_sync.protocol import Batch, Device, Op, Received, Result
from mobile_sync.sending import FileWire
from mobile_sync.settling import key_of_op
from mobile_sync.simulation import shop
from mobile_sync.simulation.campaign import Campaign
from mobile_sync.simulation.in_memory import BusyServer, MemoryHouse
from mobile_sync.simulation.world import MakeHouse, Parts
from mobile_sync.tablet import Tablet
from mobile_sync.wire import write_time

pytestmark = pytest.mark.usefixtures("untraced")


class NaiveCursor(BusyServer):
    """Seqs are taken when a row is written, from a counter that does not wait for the commit."""

    def written_ahead(self, rec_id: UUID, fields: Mapping[str, Any]) -> None:
        for bucket in shop.placed(fields):
            self.numbers.setdefault((bucket, rec_id), self._next(bucket))

    def _next(self, bucket: str) -> int:
        self.state.ends[bucket] = self.state.ends.get(bucket, 0) + 1
        return self.state.ends[bucket]

    @property
    def numbers(self) -> dict[tuple[str, UUID], int]:
        return self.__dict__.setdefault("_numbers", {})  # type: ignore[no-any-return]

    def mark(self, bucket: str, key: Key, *, gone: bool) -> None:
        seq = self.numbers.pop((bucket, key[1]), None) or self._next(bucket)
        self.state.places.setdefault(bucket, {})[key] = Place(seq, dirty=False, gone=gone)


class NoExit(BusyServer):
    """A record that moves enters its new bucket and never leaves the old one."""

    def mark(self, bucket: str, key: Key, *, gone: bool) -> None:
        if not gone:
            super().mark(bucket, key, gone=gone)


class LedgerApart(BusyServer):
    """What an op did is kept when the server dies before the op's result is."""

    def transaction(self, _ctx: Any) -> Any:  # type: ignore[override]
        return _Nothing()


class _Nothing:
    def __enter__(self) -> None:
        """No transaction."""

    def __exit__(self, *_exc: object) -> None:
        """What is done is done."""


class RunAgain(MemoryLedger):
    """A number that is known is run again."""

    def begin(self, device: Device, batch: Batch) -> Opening:
        return replace(super().begin(device, batch), high=0, filed={})

    def file(self, device: Device, received: Received, result: Result, clock_error_ms: int) -> None:
        self.state.ops[device.id].pop(received.op_no, None)
        super().file(device, received, result, clock_error_ms)


class ConflictDropped(MemoryLedger):
    """A clash is answered as a conflict and written nowhere."""

    def contest(self, _device: Device, _clash: Clash) -> UUID:
        return self.server.make_id()


class OwnWordsForgotten(MemoryLedger):
    """What a device said under an older schema is taken for words of today."""

    def versions_after(self, device: Device, wanted: Sequence[tuple[Op, int]]) -> Mapping[int, Sequence[VersionSeen]]:
        found = super().versions_after(device, wanted)
        return {
            number: [replace(one, sent_version=self.server.schema_version) for one in seen]
            for number, seen in found.items()
        }


class RowsSkipped(MemoryFeed):
    """A page begins one row too late."""

    def entries(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        return super().entries(key, since=since + 1 if since else 0, limit=limit)


class ExitsForgotten(MemoryFeed):
    """Old exits were thrown away, and a device that missed them is not told to begin again."""

    def buckets(self, keys: Collection[str]) -> Mapping[str, BucketRow]:
        return {key: replace(row, low_seq=0) for key, row in super().buckets(keys).items()}


class HashUnread(MemoryFiles):
    """The last byte is here, so the file must be right."""

    def is_right(self, _content: bytes, _sha256: str) -> bool:
        return True


class LateClockWins(BusyServer):
    """Of two changes the one with the later device clock stands."""

    def write(self, entity: str, rec_id: UUID, fields: Mapping[str, Any], **options: Any) -> int:
        op = options.get("op")
        if op is not None and self.seen.setdefault(rec_id, op.device_at) > op.device_at:
            fields = {}
        return super().write(entity, rec_id, fields, **options)

    @property
    def seen(self) -> dict[UUID, Any]:
        return self.__dict__.setdefault("_seen", {})  # type: ignore[no-any-return]


class DropsOutboxOnReset(Tablet):
    """A reset is a good moment to begin with an empty device."""

    def _keep(self, kept: Kept, contents: Mapping[str, bytes] | None = None) -> None:
        if self.kept.replica.epoch not in (None, kept.replica.epoch):
            kept = replace(kept, outbox=Outbox((), kept.outbox.next_op_no), settled={}, shown=frozenset())
        super()._keep(kept, contents)


class DropsWithScope(Tablet):
    """Ops on a record that has left go with it."""

    def _keep(self, kept: Kept, contents: Mapping[str, bytes] | None = None) -> None:
        left = self.kept.replica.docs.keys() - kept.replica.docs.keys() | kept.replica.shadows
        entries = tuple(entry for entry in kept.outbox.entries if key_of_op(entry.op) not in left)
        settled = {entry.op_no: kept.settled[entry.op_no] for entry in entries if entry.op_no in kept.settled}
        outbox = Outbox(entries, kept.outbox.next_op_no)
        shown = kept.shown & settled.keys()
        super()._keep(replace(kept, outbox=outbox, settled=settled, shown=frozenset(shown)), contents)


class DoneWhenSent(Tablet):
    """An op is done when it has been sent."""

    def batch(self, ops: list[Mapping[str, Any]]) -> dict[str, Any]:
        sent = {op["op_no"] for op in ops}
        entries = tuple(
            replace(entry, stage=Stage.FINAL, result={}) if entry.op_no in sent else entry
            for entry in self.outbox.entries
        )
        self._keep(replace(self.kept, outbox=Outbox(entries, self.outbox.next_op_no)))
        return super().batch(ops)


class CursorFirst(Tablet):
    """Cursors are written down before the rows they stand for."""

    def _keep(self, kept: Kept, contents: Mapping[str, bytes] | None = None) -> None:
        if kept.replica is not self.kept.replica:
            early = self.kept.replica.copied()
            early.epoch, early.cursors = kept.replica.epoch, dict(kept.replica.cursors)
            super()._keep(replace(self.kept, replica=early))
        super()._keep(kept, contents)


class NeverSentAgain(Tablet):
    """What has a result is never sent again, whatever the server has forgotten."""

    def _keep(self, kept: Kept, contents: Mapping[str, bytes] | None = None) -> None:
        done = {entry.op_no: entry for entry in self.outbox.entries if entry.stage is Stage.FINAL}
        entries = tuple(done.get(entry.op_no, entry) for entry in kept.outbox.entries)
        settled = {**{number: self.kept.settled[number] for number in done}, **kept.settled}
        super()._keep(replace(kept, outbox=Outbox(entries, kept.outbox.next_op_no), settled=settled), contents)


@dataclass
class SameLife(MemoryHouse):
    """A restored server goes on as if nothing had happened."""

    def begin_life(self) -> None:
        """It does not."""


@dataclass
class NoUpcasters(MemoryHouse):
    """The new server knows the new app only."""

    def upgrade(self) -> None:
        super().upgrade()
        self.server.collections[shop.ENTITY].upcasters = {}


@dataclass
class NeverMerged(MemoryHouse):
    """What must never be merged is merged like anything else."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = {**shop.RULES[1], "seal": FieldRule(Policy.DEVICE)}
        self.server.collections[shop.ENTITY].rules = rules


@dataclass(frozen=True)
class Plant:
    """A bug: where it sits, and within how many seeds from `first` on it is found; a rare one begins near its seed."""

    name: str
    within: int
    first: int = 0
    house: type[MemoryHouse] = MemoryHouse
    server: type[BusyServer] = BusyServer
    files: type[MemoryFiles] = MemoryFiles
    tablet: type[Tablet] = Tablet
    patch: Callable[[pytest.MonkeyPatch], None] = field(default=lambda _patch: None)

    def campaign(self) -> Campaign:
        return Campaign(self._house(), self.tablet)

    def _house(self) -> MakeHouse:
        def make(parts: Parts) -> MemoryHouse:
            return self.house(
                parts.clock, parts.new_id, parts.fuse, parts.trouble, server_kind=self.server, files_kind=self.files
            )

        return make


def with_ledger(kind: type[MemoryLedger]) -> type[BusyServer]:
    """A server with another ledger."""
    return type(kind.__name__, (BusyServer,), {"ledger": lambda self, _ctx: kind(self)})


def with_feed(kind: type[MemoryFeed]) -> type[BusyServer]:
    """A server with another feed."""
    return type(kind.__name__, (BusyServer,), {"feed": lambda self: kind(self.state, self.life)})


def reading_is_too_old(patch: pytest.MonkeyPatch) -> None:
    """L12 is not kept: a device in the middle of a bucket is told that it is too old."""
    patch.setattr(pull, "READING", 0)


def one_waits_all_wait(patch: pytest.MonkeyPatch) -> None:
    """P8 is not kept: an op that waits holds up everything behind it."""

    def must_not_wait(self: Any, _op: Op) -> None:
        for number in (self.opening.waiting | self.waiting).values():
            raise judge.held("record_waits", number)

    patch.setattr(judge.Judge, "_must_not_wait", must_not_wait)


def scope_by_device_clock(patch: pytest.MonkeyPatch) -> None:
    """S5 is not kept: the device's clock is believed."""
    patch.setattr(reading.Reader, "_corrected", lambda _self, device_at: device_at)


class ReceiptByOwnClock(Tablet):
    """B9 as it was: the week before an original is deleted begins by the device's clock."""

    def upload(self, wire: FileWire, *, chunk_bytes: int = 256 * 1024) -> int:
        sent = super().upload(wire, chunk_bytes=chunk_bytes)
        at = write_time(self.clock())
        files = {
            sha256: replace(one, verified_at=one.verified_at or at) if one.verified else one
            for sha256, one in self.kept.files.items()
        }
        self._keep(replace(self.kept, files=files))
        return sent


class NeverAsks(Tablet):
    """P14 as it was: a device without pending ops never hears what a restored server has forgotten."""

    def push(self, *, limit: int = 500, ask: bool = False) -> int:
        del ask
        return super().push(limit=limit) if self.outbox.to_send() else 0


PLANTS = (
    Plant("naive cursor", 200, server=NaiveCursor),
    Plant("missing exit", 20, server=NoExit),
    Plant("non-atomic ledger", 100, server=LedgerApart),
    Plant("file finished without its hash", 300, files=HashUnread),
    Plant("client drops the outbox on a reset", 100, tablet=DropsOutboxOnReset),
    Plant("replay executed twice", 20, server=with_ledger(RunAgain)),
    Plant("conflict written nowhere", 50, server=with_ledger(ConflictDropped)),
    Plant("own words of an older schema", 20, first=1_290, server=with_ledger(OwnWordsForgotten)),
    Plant("page begins too late", 20, server=with_feed(RowsSkipped)),
    Plant("exits forgotten", 1_000, server=with_feed(ExitsForgotten)),
    Plant("the later device clock wins", 100, server=LateClockWins),
    Plant("ops leave with their record", 200, tablet=DropsWithScope),
    Plant("done when sent", 20, tablet=DoneWhenSent),
    Plant("cursor before rows", 500, tablet=CursorFirst),
    Plant("never sent again after a restore", 200, tablet=NeverSentAgain),
    Plant("no new life after a restore", 200, house=SameLife),
    Plant("no upcasters", 100, house=NoUpcasters),
    Plant("never-fields merged", 100, house=NeverMerged),
    Plant("receipt by the device's clock", 300, tablet=ReceiptByOwnClock),
    Plant("never asks after a restore", 300, tablet=NeverAsks),
    Plant("reading device too old", 20, first=800, patch=reading_is_too_old),
    Plant("one waits, all wait", 50, patch=one_waits_all_wait),
    Plant("scope by the device's clock", 200, patch=scope_by_device_clock),
)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_bug_is_reported(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.patch(monkeypatch)
    found = plant.campaign().over(range(plant.first, plant.first + plant.within), most_failures=1)
    assert found.failures, f"{plant.name} survived {plant.within} seeds from {plant.first} on"


def test_the_same_parts_without_a_plant_are_sound() -> None:
    assert Plant("none", 0).campaign().over(range(200)).failures == []
