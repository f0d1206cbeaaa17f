"""A whole server in memory: collections, ledger, history and buckets, under the same engine as the real one.

For tests of clients, simulations, and as the second implementation that keeps the first honest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from mobile_sync.answers import write_page, write_push
from mobile_sync.beliefs import VersionSeen
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.engine import push
from mobile_sync.ledger import BucketRow, Clash, EntryRow, Filed, Key, Opening
from mobile_sync.protocol import Batch, Bucket, Device, Kind, Op, Received, Rejected, Result, SyncProblem
from mobile_sync.pull import Puller
from mobile_sync.replica import MODULUS, row_hash
from mobile_sync.wire import read_batch, read_pull


@dataclass(frozen=True)
class Version:
    """One revision of a record, by a device's op or by the desk (device None)."""

    rev: int
    patch: Mapping[str, tuple[Any, Any]]
    device_id: UUID | None
    op_no: int | None


@dataclass(frozen=True)
class Place:
    """A record's entry in a bucket; in memory it is numbered as it is written, for nothing happens at once."""

    seq: int
    gone: bool
    since: datetime
    until: datetime | None = None


@dataclass
class State:
    """Everything that a savepoint brings back. Values are immutable, so that shallow copies are enough."""

    records: dict[Key, Stored] = field(default_factory=dict)
    versions: dict[Key, tuple[Version, ...]] = field(default_factory=dict)
    places: dict[tuple[str, Key], Place] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    ops: dict[tuple[UUID, int], tuple[Received, Result]] = field(default_factory=dict)
    high: dict[UUID, int] = field(default_factory=dict)
    conflicts: dict[tuple[UUID, Key, str], tuple[UUID, Clash]] = field(default_factory=dict)
    subscriptions: dict[tuple[UUID, str, datetime], datetime | None] = field(default_factory=dict)
    files: dict[tuple[Key, str, str], int] = field(default_factory=dict)
    alarms: tuple[Result, ...] = ()

    def copy(self) -> State:
        """A state that changes on its own."""
        twin = copy(self)
        for name, value in vars(self).items():
            setattr(twin, name, dict(value) if isinstance(value, dict) else value)
        return twin


@dataclass
class MemoryCollection:
    """Records as dicts. `placed` says from its fields in which buckets a record is; `guard` may refuse a change."""

    entity: str
    rules: Mapping[str, FieldRule]
    placed: Callable[[Mapping[str, Any]], Collection[str]]
    guard: Callable[[Change], None] = lambda change: None
    schema_versions: Collection[int] = (1,)
    on_delete: Policy = Policy.HUMAN
    push_only: bool = False

    def stored(self, ctx: MemoryServer, rec_id: UUID) -> Stored | None:
        """The record."""
        return ctx.state.records.get((self.entity, rec_id))

    def apply(self, ctx: MemoryServer, change: Change) -> int:
        """Ask the guard, then write."""
        self.guard(change)
        deleted = change.kind is Kind.DELETE
        return ctx.write(self.entity, change.rec_id, change.fields, device=change.device, op=change.op, deleted=deleted)

    def docs(self, ctx: MemoryServer, ids: Collection[UUID]) -> Mapping[UUID, Doc]:
        """Live records."""
        found = {rec_id: ctx.state.records.get((self.entity, rec_id)) for rec_id in ids}
        return {rec_id: Doc(one.rev, one.fields) for rec_id, one in found.items() if one and not one.deleted}

    def buckets_of(self, ctx: MemoryServer, rec_id: UUID) -> frozenset[str]:
        """From its fields."""
        stored = self.stored(ctx, rec_id)
        return frozenset() if stored is None or stored.deleted else frozenset(self.placed(stored.fields))


@dataclass
class MemoryServer:
    """The server, its own unit of work. `scopes`: the buckets of each device."""

    collections: Mapping[str, MemoryCollection]
    clock: Callable[[], datetime]
    make_id: Callable[[], UUID]
    schema_version: int = 1
    life: str = "memory-1"
    state: State = field(default_factory=State)
    scopes: dict[UUID, Sequence[Bucket]] = field(default_factory=dict)
    revoked: set[UUID] = field(default_factory=set)

    # the application's side

    def write(
        self,
        entity: str,
        rec_id: UUID,
        fields: Mapping[str, Any],
        *,
        device: Device | None = None,
        op: Op | None = None,
        deleted: bool = False,
    ) -> int:
        """A new revision, by the desk or by an op; returns it."""
        key = (entity, rec_id)
        before = self.state.records.get(key, Stored(0, {}))
        after = {**before.fields, **fields}
        rev = before.rev + 1
        patch = {name: (before.fields.get(name), value) for name, value in fields.items()}
        version = Version(rev, patch, device.id if device else None, op.op_no if op else None)
        self.state.records[key] = Stored(rev, after, deleted=deleted)
        self.state.versions[key] = (*self.state.versions.get(key, ()), version)
        self._place(key, set() if deleted else set(self.collections[entity].placed(after)))
        return rev

    def _place(self, key: Key, buckets: set[str]) -> None:
        held = {bucket for (bucket, other), place in self.state.places.items() if other == key and not place.gone}
        for bucket in sorted(held | buckets):
            seq = self.state.ends[bucket] = self.state.ends.get(bucket, 0) + 1
            before = self.state.places.get((bucket, key))
            since = before.since if before and not before.gone else self.clock()
            gone = bucket not in buckets
            self.state.places[bucket, key] = Place(seq, gone, since, self.clock() if gone else None)

    # the engine's host

    def now(self, _ctx: MemoryServer) -> datetime:
        """The server's clock."""
        return self.clock()

    def ledger(self, _ctx: MemoryServer) -> MemoryLedger:
        """Over this state."""
        return MemoryLedger(self)

    @contextmanager
    def savepoint(self, _ctx: MemoryServer) -> Iterator[None]:
        """Undo the block if it raises."""
        before = self.state.copy()
        try:
            yield
        except BaseException:
            self.state = before
            raise

    def fatal(self, error: Exception) -> bool:
        """A simulated crash of the server ends the whole push."""
        return isinstance(error, ConnectionError)

    def alarm(self, _ctx: MemoryServer, _device: Device, result: Result, _received: Received) -> None:
        """Remember it."""
        self.state.alarms = (*self.state.alarms, result)

    # the wire

    def post(self, device_id: UUID) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
        """The way of one device to this server."""
        return lambda path, body: self.push(device_id, body) if path == "push" else self.pull(device_id, body)

    def push(self, device_id: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
        """All or nothing, like a transaction."""
        batch = read_batch(body)
        with self.savepoint(self):
            return write_push(push(self, self, Device(device_id, device_id, device_id in self.revoked), batch))

    def pull(self, device_id: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
        """A page."""
        if device_id in self.revoked:
            raise SyncProblem("device_revoked", 403)
        buckets = self.scopes.get(device_id, ())
        self._subscribe(device_id, {bucket.key for bucket in buckets})
        puller: Puller[MemoryServer] = Puller(self.collections, self.schema_version)
        return write_page(puller.page(self, MemoryFeed(self), read_pull(body), buckets, self.clock()))

    def _subscribe(self, device_id: UUID, wanted: set[str]) -> None:
        held = {
            key: (device_id, key, since)
            for (device, key, since), until in self.state.subscriptions.items()
            if device == device_id and until is None
        }
        for key in wanted - held.keys():
            self.state.subscriptions[device_id, key, self.clock()] = None
        for key in held.keys() - wanted:
            self.state.subscriptions[held[key]] = self.clock()


@dataclass
class MemoryLedger:
    """The ledger over a state."""

    server: MemoryServer

    @property
    def state(self) -> State:
        """Savepoints replace it, so it is asked for each time."""
        return self.server.state

    def begin(self, device: Device, _batch: Batch) -> Opening:
        """Everything there is; it is small."""
        filed = {
            no: Filed(one.digest, result) for (owner, no), (one, result) in self.state.ops.items() if owner == device.id
        }
        waiting: dict[Key, int] = {}
        contested: dict[Key, set[str]] = {}
        for (owner, number), (one, result) in sorted(self.state.ops.items(), key=lambda item: item[0][1]):
            if owner == device.id and result.status.waits and one.op:
                waiting.setdefault((one.op.entity, one.op.rec_id), number)
        for owner, key, name in self.state.conflicts:
            if owner == device.id:
                contested.setdefault(key, set()).add(name)
        return Opening(self.server.life, self.state.high.get(device.id, 0), filed, waiting, contested)

    def prepare(self, _unit: Sequence[Received]) -> None:
        """Nothing waits to be written."""

    @contextmanager
    def authored(self, _device: Device, _ops: Sequence[Op], _clock_error_ms: int) -> Iterator[None]:
        """`MemoryCollection.apply` names the author itself."""
        yield

    def versions_after(self, device: Device, wanted: Sequence[tuple[Op, int]]) -> Mapping[int, Sequence[VersionSeen]]:
        """By op_no."""
        return {op.op_no: self._seen(device, (op.entity, op.rec_id), base_rev) for op, base_rev in wanted}

    def _seen(self, device: Device, key: Key, base_rev: int) -> list[VersionSeen]:
        return [
            VersionSeen(one.rev, one.rev - 1, one.patch, one.device_id == device.id, self._sent(device, one))
            for one in self.state.versions.get(key, ())
            if one.rev > base_rev
        ]

    def _sent(self, device: Device, version: Version) -> Mapping[str, Any]:
        known = None if version.op_no is None else self.state.ops.get((device.id, version.op_no))
        if known is None or version.device_id != device.id:
            return {}
        return known[0].op.fields if known[0].op else {}

    def held_by(self, device: Device, asked: Sequence[tuple[Op, datetime]]) -> set[int]:
        """Now, or then, or made here."""
        return {op.op_no for op, at in asked if self._held(device, (op.entity, op.rec_id), at)}

    def _held(self, device: Device, key: Key, at: datetime) -> bool:
        first = self.state.versions.get(key, ())[:1]
        if first and first[0].device_id == device.id:
            return True
        return any(
            self._overlaps(place, since, until, at)
            for (owner, bucket, since), until in self.state.subscriptions.items()
            if owner == device.id and (place := self.state.places.get((bucket, key))) is not None
        )

    def _overlaps(self, place: Place, since: datetime, until: datetime | None, at: datetime) -> bool:
        now = not place.gone and until is None
        then = since <= at and (until is None or until >= at) and (place.until is None or place.until >= at)
        return now or then

    def contest(self, device: Device, clash: Clash) -> UUID:
        """Open, or join."""
        key = (device.id, (clash.op.entity, clash.op.rec_id), clash.field)
        known = self.state.conflicts.get(key)
        conflict_id = known[0] if known else self.server.make_id()
        joined = replace(clash, base=known[1].base) if known else clash
        self.state.conflicts[key] = (conflict_id, joined)
        return conflict_id

    def declare(self, _device: Device, ops: Sequence[Op]) -> None:
        """Write the manifest down."""
        for op in ops:
            for file in op.files:
                self.state.files[(op.entity, op.rec_id), file.slot, file.sha256] = op.op_no

    def file(self, device: Device, received: Received, result: Result, _clock_error_ms: int) -> None:
        """Keep a result."""
        if (device.id, received.op_no) in self.state.ops:
            raise Rejected("filed_twice")
        self.state.ops[device.id, received.op_no] = (received, result)

    def close(self, device: Device, _batch: Batch, high: int, _clock_error_ms: int) -> None:
        """The highest contiguous number."""
        self.state.high[device.id] = high


@dataclass
class MemoryFeed:
    """Buckets over a state."""

    server: MemoryServer

    def epoch(self) -> str:
        """The server's life."""
        return self.server.life

    def buckets(self, keys: Collection[str]) -> Mapping[str, BucketRow]:
        """Counted afresh each time."""
        return {key: self._bucket(key) for key in keys}

    def _bucket(self, key: str) -> BucketRow:
        live = [
            row_hash(f"{entity}/{rec_id}", place.seq)
            for (bucket, (entity, rec_id)), place in self.server.state.places.items()
            if bucket == key and not place.gone
        ]
        high = self.server.state.ends.get(key, 0)
        return BucketRow(key, high, 0, len(live), sum(live) % MODULUS)

    def entries(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        """By seq."""
        rows = [
            EntryRow(place.seq, entity, rec_id, place.gone)
            for (bucket, (entity, rec_id)), place in self.server.state.places.items()
            if bucket == key and place.seq > since and not (since == 0 and place.gone)
        ]
        return sorted(rows, key=lambda row: row.seq)[:limit]


class Ticker:
    """A clock that moves when told."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Now."""
        return self.at

    def tick(self, **step: float) -> datetime:
        """Move on by `timedelta(**step)`."""
        self.at += timedelta(**step)
        return self.at
