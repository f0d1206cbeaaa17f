"""The server: collections of dicts, one transaction at a time, numbering after the commit by whoever pulls."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from mobile_sync.answers import write_page, write_push
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.engine import push
from mobile_sync.ledger import Key
from mobile_sync.memory.ledger import MemoryFeed, MemoryLedger
from mobile_sync.memory.state import Place, State, Version
from mobile_sync.protocol import (
    Batch,
    Bucket,
    Device,
    Kind,
    Op,
    PullRequest,
    PushAnswer,
    Received,
    Result,
    SyncProblem,
)
from mobile_sync.pull import Puller
from mobile_sync.upcast import Upcaster
from mobile_sync.wire import read_batch, read_pull


@dataclass
class MemoryCollection:
    """Records as dicts. `placed` says from its fields in which buckets a record is; `guard` may refuse a change."""

    entity: str
    rules: Mapping[str, FieldRule]
    placed: Callable[[Mapping[str, Any]], Collection[str]]
    guard: Callable[[Change], None] = lambda change: None
    schema_versions: Collection[int] = (1,)
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)
    on_delete: Policy = Policy.HUMAN
    push_only: bool = False

    def stored(self, ctx: MemoryServer, rec_id: UUID) -> Stored | None:
        """The record."""
        ctx.step("record read")
        return ctx.locked((self.entity, rec_id))

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
        stored = ctx.state.records.get((self.entity, rec_id))
        return frozenset() if stored is None or stored.deleted else frozenset(self.placed(stored.fields))


@dataclass
class MemoryServer:
    """The server, its own unit of work. `scopes`: the buckets of each device; `step` is told of each change to come."""

    collections: Mapping[str, MemoryCollection]
    clock: Callable[[], datetime]
    make_id: Callable[[], UUID]
    schema_version: int = 1
    life: str = "memory-1"
    state: State = field(default_factory=State)
    scopes: dict[UUID, Sequence[Bucket]] = field(default_factory=dict)
    revoked: set[UUID] = field(default_factory=set)
    step: Callable[[str], None] = lambda _what: None

    # the application's side

    def locked(self, key: Key) -> Stored | None:
        """The record; a server with more than one transaction may have to say that another holds it."""
        return self.state.records.get(key)

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
        by = (device.id if device else None, op.op_no if op else None)
        version = Version(rev, patch, *by, deleted, self.life, self.clock())
        self.step("record written")
        self.state.records[key] = Stored(rev, after, deleted=deleted)
        self.step("version written")
        self.state.versions[key] = (*self.state.versions.get(key, ()), version)
        self.place(key, set() if deleted else set(self.collections[entity].placed(after)))
        return rev

    def place(self, key: Key, buckets: set[str]) -> None:
        """It is in these buckets from now on; to be numbered by the next pull."""
        held = {bucket for bucket, places in self.state.places.items() if key in places and not places[key].gone}
        for bucket in sorted(held | buckets):
            gone = bucket not in buckets
            self.step("exit written" if gone else "entry written")
            self.mark(bucket, key, gone=gone)

    def mark(self, bucket: str, key: Key, *, gone: bool) -> None:
        """The entry changed."""
        places = self.state.places.setdefault(bucket, {})
        seq = places[key].seq if key in places else 0
        places[key] = Place(seq, dirty=True, gone=gone, until=self.clock() if gone else None)

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

    transaction = savepoint

    def fatal(self, error: Exception) -> bool:
        """A database that gave up ends the whole push."""
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
        answer = self.judged(self.device(device_id), read_batch(body))
        self.step("answer")
        return write_push(answer)

    def device(self, device_id: UUID) -> Device:
        """Its own person."""
        return Device(device_id, device_id, device_id in self.revoked)

    def judged(self, device: Device, batch: Batch) -> PushAnswer:
        """A batch of the device's, whoever brought it."""
        with self.transaction(self):
            answer = push(self, self, device, batch)
            self.step("commit")
        return answer

    def pull(self, device_id: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
        """A page."""
        request, buckets = self._numbered(device_id, body)
        return write_page(self._puller().page(self, self.feed(), request, buckets, self.clock()))

    def snapshot(self, device_id: UUID, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """All pages to the end (L13)."""
        request, buckets = self._numbered(device_id, body)
        for page in self._puller().pages(self, self.feed(), request, buckets, self.clock()):
            self.step("line")
            yield write_page(page)

    def _puller(self) -> Puller[MemoryServer]:
        return Puller(self.collections, self.schema_version)

    def _numbered(self, device_id: UUID, body: Mapping[str, Any]) -> tuple[PullRequest, Sequence[Bucket]]:
        """What is asked, when all that is committed has its number."""
        if device_id in self.revoked:
            raise SyncProblem("device_revoked", 403)
        request = read_pull(body)
        buckets = self.scopes.get(device_id, ())
        with self.transaction(self):
            self._subscribe(device_id, {bucket.key for bucket in buckets})
            confirmed, _ = self.state.cursors.get(device_id, ({}, None))
            self.state.cursors[device_id] = (confirmed if request.unsent else request.cursors, self.clock())
            self.stamp([bucket.key for bucket in buckets])
            self.step("commit")
        self.step("answer")
        return request, buckets

    def feed(self) -> MemoryFeed:
        """Over this state."""
        return MemoryFeed(self.state, self.life)

    def stamp(self, keys: Sequence[str]) -> None:
        """Number what is committed and not numbered (L3)."""
        for bucket in keys:
            places = self.state.places.get(bucket, {})
            for key in sorted(key for key, place in places.items() if place.dirty):
                self.step("entry numbered")
                seq = self.state.ends[bucket] = self.state.ends.get(bucket, 0) + 1
                places[key] = replace(places[key], seq=seq, dirty=False)

    def _subscribe(self, device_id: UUID, wanted: set[str]) -> None:
        held = {
            key: (device_id, key, since)
            for (device, key, since), until in self.state.subscriptions.items()
            if device == device_id and until is None
        }
        for key in sorted(wanted - held.keys()):
            self.step("subscription begun")
            self.state.subscriptions[device_id, key, self.clock()] = None
        for key in sorted(held.keys() - wanted):
            self.step("subscription ended")
            self.state.subscriptions[held[key]] = self.clock()
