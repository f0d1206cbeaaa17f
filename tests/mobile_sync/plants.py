"""Bugs that sync engines have had, one by one; each is a subclass of the sound part, or a patch of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from mobile_sync import engine, judge, merge, pull, reading, tablet, unsent
from mobile_sync.beliefs import VersionSeen
from mobile_sync.collection import Doc, FieldRule, Policy
from mobile_sync.kept import Kept
from mobile_sync.ledger import Asked, BucketRow, Clash, EntryRow, Key, Opening
from mobile_sync.memory.files import MemoryFiles
from mobile_sync.memory.ledger import MemoryFeed, MemoryLedger
from mobile_sync.memory.server import MemoryServer
from mobile_sync.memory.state import Place
from mobile_sync.outbox import Outbox, Stage
from mobile_sync.protocol import Batch, Device, Op, Received, Result
from mobile_sync.sending import FileWire
from mobile_sync.settling import key_of_op, settled_pull
from mobile_sync.simulation import shop
from mobile_sync.simulation.in_memory import BusyServer, MemoryHouse
from mobile_sync.simulation.memory_steps import ManyThings
from mobile_sync.tablet import Tablet
from mobile_sync.wire import write_time


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


class HistoryNotAsked(MemoryLedger):
    """Two ways of a merge that should be three: whatever the device believed, nobody else touched the record."""

    def versions_after(self, device: Device, wanted: Sequence[tuple[Op, int]]) -> Mapping[int, Sequence[VersionSeen]]:
        found = super().versions_after(device, wanted)
        return {number: [replace(one, patch={}, sent={}) for one in seen] for number, seen in found.items()}


class HeldByTheClock(MemoryLedger):
    """S5 as it was: a device held what it held at the time of the work, as its clock and its link let it seem."""

    def held_by(self, device: Device, asked: Sequence[Asked]) -> set[int]:
        return super().held_by(device, [one._replace(base_rev=0) for one in asked])


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


class CachedThings(ManyThings):
    """A document that was read before comes from a cache, which is a revision behind."""

    def docs(self, ctx: MemoryServer, ids: Collection[UUID]) -> Mapping[UUID, Doc]:
        found = dict(super().docs(ctx, ids))
        for rec_id, doc in found.items():
            again = (rec_id, doc.rev) in self.read
            self.read.add((rec_id, doc.rev))
            if again and doc.rev > 1:
                found[rec_id] = doc._replace(rev=doc.rev - 1)
        return found

    @property
    def read(self) -> set[tuple[UUID, int]]:
        return self.__dict__.setdefault("_read", set())  # type: ignore[no-any-return]


class CollectsTheDeclared(MemoryFiles):
    """Whoever removes files that nobody declared does not look who did."""

    def named(self) -> set[str]:
        return set()


class HalfFilesStay(MemoryFiles):
    """What a lost device left half done is nobody's business."""

    def expire(self) -> int:
        uploads = self.server.state.uploads
        theirs = {key: one for key, one in uploads.items() if one.device_id in self.server.revoked}
        gone = super().expire()
        uploads.update(theirs)
        return gone


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


class NoChecksum(Tablet):
    """The replica is believed to be what it was."""

    def _keep(self, kept: Kept, contents: Mapping[str, bytes] | None = None) -> None:
        replica = kept.replica.copied()
        replica.mismatched = set()
        super()._keep(replace(kept, replica=replica), contents)


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
class DeviceAlwaysWins(MemoryHouse):
    """A field for a person to decide is overwritten."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._overwrite(shop.RULES[1])

    def upgrade(self) -> None:
        super().upgrade()
        self._overwrite(shop.RULES[self.version])

    def _overwrite(self, rules: Mapping[str, FieldRule]) -> None:
        self.server.collections[shop.ENTITY].rules = {
            name: replace(rule, policy=Policy.DEVICE) if rule.policy is Policy.HUMAN else rule
            for name, rule in rules.items()
        }


@dataclass
class CachedDocuments(MemoryHouse):
    """Pages are not of one snapshot."""

    def __post_init__(self) -> None:
        super().__post_init__()
        things = self.server.collections[shop.ENTITY]
        self.server.collections = {shop.ENTITY: CachedThings(things.entity, things.rules, things.placed)}


@dataclass
class NeverMerged(MemoryHouse):
    """What must never be merged is merged like anything else."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rules = {**shop.RULES[1], "seal": FieldRule(Policy.DEVICE)}
        self.server.collections[shop.ENTITY].rules = rules


def with_ledger(kind: type[MemoryLedger]) -> type[BusyServer]:
    """A server with another ledger."""
    return type(kind.__name__, (BusyServer,), {"ledger": lambda self, _ctx: kind(self)})


def with_feed(kind: type[MemoryFeed]) -> type[BusyServer]:
    """A server with another feed."""
    return type(kind.__name__, (BusyServer,), {"feed": lambda self: kind(self.state, self.life)})


def late_batches_taken(patch: pytest.MonkeyPatch) -> None:
    """P19 is not kept: a batch for another life is run in this one."""
    patch.setattr(engine, "_of_another_life", lambda _batch, _opening: False)


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
    """S5 is not kept: the device's clock is believed, and nothing else."""

    def ask(self: reading.Reader[Any], ops: Sequence[Op]) -> None:
        held = self.ledger.held_by(self.device, [Asked(op, op.device_at, 0) for op in ops])
        self._scoped.update({op.op_no: op.op_no in held for op in ops})

    patch.setattr(reading.Reader, "_ask_scope", ask)


def revisions_of_any_life(patch: pytest.MonkeyPatch) -> None:
    """M13 as it was: a revision number means the same in every life."""
    patch.setattr(reading.Reader, "base_rev", lambda _self, op: reading.base_of(op))


def letters_appended(patch: pytest.MonkeyPatch) -> None:
    """M4 as it was: a longer last word is taken for the old one with letters added."""
    patch.setattr(merge, "_continues", lambda base, mine: mine.startswith(base))


def later_clock_decides(patch: pytest.MonkeyPatch) -> None:
    """Where the server's value should stand, the one with the later device clock does."""
    sound = judge.Judge._merged

    def merged(self: Any, collection: Any, op: Op, stored: Any) -> Any:
        latest = self.reader.ctx.__dict__.setdefault("_latest", {})
        if latest.setdefault(op.rec_id, op.device_at) <= op.device_at:
            latest[op.rec_id] = op.device_at
            collection = replace(collection, rules={**collection.rules, "price": FieldRule(Policy.DEVICE)})
        return sound(self, collection, op, stored)

    patch.setattr(judge.Judge, "_merged", merged)


def long_groups_wait(patch: pytest.MonkeyPatch) -> None:
    """P20 as it was: a group that does not fit into the batch limit is never sent."""

    def to_send(self: Outbox, limit: int = 500) -> list[Mapping[str, Any]]:
        ops = [entry.op for entry in self.entries if entry.stage is Stage.PENDING]
        cut = min(limit, len(ops))
        while 0 < cut < len(ops) and ops[cut - 1].get("group_no", 0) == ops[cut].get("group_no"):
            cut -= 1
        return ops[:cut]

    patch.setattr(Outbox, "to_send", to_send)


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


def bundle_of_any_life(patch: pytest.MonkeyPatch) -> None:
    """V11 as it was: a bundle names the life that was heard of last, whatever life its numbers are of."""
    patch.setattr(unsent, "numbered_in", lambda kept: kept.life)


def receipt_over_result(patch: pytest.MonkeyPatch) -> None:
    """V8 as it was: the little that a receipt says of an op takes the place of its result."""
    sound = tablet.settled_receipt

    def settled(kept: Kept, claims: Mapping[str, Any]) -> Kept | None:
        after = sound(kept, claims)
        said = {one["op_no"]: one for one in claims["results"] if one["status"] in ("applied", "noop")}
        return after and replace(after, outbox=after.outbox.settle({"results": [*said.values()], "expected": 2**52}))

    patch.setattr(tablet, "settled_receipt", settled)


class CutTakenForWhole(Tablet):
    """A stream that was cut is taken for one that has come to its end."""

    def pull(self, *, limit: int = 500) -> int:
        try:
            return super().pull(limit=limit)
        except ConnectionError:
            if not any("left" in page for page in self.staged):
                raise
        self._keep(settled_pull(self.kept, self.staged, frozenset()))
        self.staged = []
        return 1


class GoesOnForEver(Tablet):
    """L14 is not kept: pages are gone on with however long ago they were staged."""

    def pull(self, *, limit: int = 500) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tablet, "is_too_late", lambda _page, _staged: False)
            return super().pull(limit=limit)
