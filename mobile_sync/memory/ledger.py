"""The ledger and the feed over a state in memory. Each change of the state is a step, at which a test may stop it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mobile_sync.beliefs import VersionSeen
from mobile_sync.ledger import Asked, BucketRow, Clash, EntryRow, Filed, Key, Opening
from mobile_sync.memory.state import Contest, Place, State, Version
from mobile_sync.protocol import Batch, Device, Op, Received, Rejected, Result
from mobile_sync.replica import MODULUS, row_hash

if TYPE_CHECKING:
    from mobile_sync.memory.server import MemoryServer


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
        self.server.step("ledger opens")
        ops = self.state.ops.setdefault(device.id, {})
        waiting: dict[Key, int] = {}
        for number, (one, result) in sorted(ops.items()):
            if result.status.waits and one.op:
                waiting.setdefault((one.op.entity, one.op.rec_id), number)
        contested: dict[Key, set[str]] = {}
        for contest in self.state.contests.values():
            if contest.device_id == device.id and contest.state == "open":
                contested.setdefault(contest.key, set()).add(contest.clash.field)
        filed = {number: Filed(one.digest, result) for number, (one, result) in ops.items()}
        return Opening(self.server.life, self.state.high.get(device.id, 0), filed, waiting, contested)

    def prepare(self, _unit: Sequence[Received]) -> None:
        """Nothing waits to be written."""

    @contextmanager
    def authored(self, _device: Device, _ops: Sequence[Op], _clock_error_ms: int) -> Iterator[None]:
        """`MemoryCollection.apply` names the author itself."""
        yield

    def versions_after(self, device: Device, wanted: Sequence[tuple[Op, int]]) -> Mapping[int, Sequence[VersionSeen]]:
        """By op_no."""
        return {op.op_no: self._since(device, (op.entity, op.rec_id), base_rev) for op, base_rev in wanted}

    def _since(self, device: Device, key: Key, base_rev: int) -> list[VersionSeen]:
        return [self._seen(device, one) for one in self.state.versions.get(key, ()) if one.rev > base_rev]

    def _seen(self, device: Device, version: Version) -> VersionSeen:
        own = version.device_id == device.id
        known = self.state.ops[device.id].get(version.op_no or 0) if own else None
        sent = known[0].op if known else None
        fields: Mapping[str, Any] = sent.fields if sent else {}
        return VersionSeen(version.rev, version.rev - 1, version.patch, own, fields, sent.schema_version if sent else 0)

    def shared_rev(self, op: Op) -> int:
        """Versions know the life they were made in."""
        versions = self.state.versions.get((op.entity, op.rec_id), ())
        return max((one.rev for one in versions if one.life != self.server.life), default=0)

    def held_by(self, device: Device, asked: Sequence[Asked]) -> set[int]:
        """Now, or then, or made here."""
        return {one.op.op_no for one in asked if self._held(device, (one.op.entity, one.op.rec_id), one)}

    def _held(self, device: Device, key: Key, asked: Asked) -> bool:
        versions = self.state.versions.get(key, ())
        if versions and versions[0].device_id == device.id:
            return True
        seen = min((one.at for one in versions if one.rev >= asked.base_rev > 0), default=None)
        return any(
            _overlaps(place, since, until, asked.at) or (seen is not None and _since_seen(place, since, until, seen))
            for (owner, bucket, since), until in self.state.subscriptions.items()
            if owner == device.id and (place := self.state.places.get(bucket, {}).get(key)) is not None
        )

    def contest(self, device: Device, clash: Clash) -> UUID:
        """Open, or join."""
        self.server.step("conflict kept")
        for conflict_id, known in self.state.contests.items():
            same = (known.device_id, known.key, known.clash.field, known.state)
            if same == (device.id, (clash.op.entity, clash.op.rec_id), clash.field, "open"):
                joined = replace(clash, base=known.clash.base)
                self.state.contests[conflict_id] = replace(known, clash=joined)
                return conflict_id
        conflict_id = self.server.make_id()
        self.state.contests[conflict_id] = Contest(device.id, clash)
        return conflict_id

    def declare(self, device: Device, ops: Sequence[Op]) -> None:
        """Write the manifest down."""
        for op in ops:
            self.server.step("files declared")
            key = (op.entity, op.rec_id)
            for file in op.files:
                self.state.files.setdefault((key, file.slot, file.sha256), (device.id, op.op_no, file))

    def file(self, device: Device, received: Received, result: Result, clock_error_ms: int) -> None:
        """Keep a result."""
        self.server.step("result kept")
        if received.op_no in self.state.ops[device.id]:
            raise Rejected("filed_twice")
        self.state.ops[device.id][received.op_no] = (received, result)
        self.state.filed_with[device.id, received.op_no] = timedelta(milliseconds=clock_error_ms)

    def close(self, device: Device, _batch: Batch, high: int, clock_error_ms: int) -> None:
        """The highest contiguous number, and how wrong the device's clock is."""
        self.server.step("ledger closes")
        self.state.high[device.id] = high
        self.state.clock_errors[device.id] = timedelta(milliseconds=clock_error_ms)


def _overlaps(place: Place, since: datetime, until: datetime | None, at: datetime) -> bool:
    now = not place.gone and until is None
    then = since <= at and (until is None or until >= at) and (place.until is None or place.until >= at)
    return now or then


def _since_seen(place: Place, since: datetime, until: datetime | None, seen: datetime) -> bool:
    """At some time after the revision came to be that the device saw, both were so: it had not heard of the end."""
    there, had = place.until is None or place.until >= seen, until is None or until >= seen
    return there and had and (place.until is None or since <= place.until)


_hash_of = lru_cache(maxsize=10_000)(row_hash)


@dataclass
class MemoryFeed:
    """Buckets over a state."""

    state: State
    life: str

    def epoch(self) -> str:
        """The server's life."""
        return self.life

    def buckets(self, keys: Collection[str]) -> Mapping[str, BucketRow]:
        """Counted afresh each time."""
        return {key: self._bucket(key) for key in keys}

    def _bucket(self, key: str) -> BucketRow:
        live = [
            _hash_of(f"{entity}/{rec_id}", place.seq)
            for (entity, rec_id), place in self.state.places.get(key, {}).items()
            if place.seq and not place.gone
        ]
        high, low = self.state.ends.get(key, 0), self.state.lows.get(key, 0)
        return BucketRow(key, high, low, len(live), sum(live) % MODULUS)

    def entries(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        """By seq."""
        return self._above(key, since, fresh=since == 0)[:limit]

    def live(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        """By seq."""
        return self._above(key, since, fresh=True)[:limit]

    def count(self, key: str, *, since: int) -> int:
        """Counted afresh too."""
        return len(self._above(key, since, fresh=since == 0))

    def _above(self, key: str, since: int, *, fresh: bool) -> list[EntryRow]:
        rows = [
            EntryRow(place.seq, entity, rec_id, place.gone)
            for (entity, rec_id), place in self.state.places.get(key, {}).items()
            if place.seq > since and not (fresh and place.gone)
        ]
        return sorted(rows, key=lambda row: row.seq)
