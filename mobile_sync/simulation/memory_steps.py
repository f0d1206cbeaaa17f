"""The parts of a server in memory: records many at a time, the next schema version, what tus writes in a header."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from mobile_sync.bundle import Header
from mobile_sync.collection import Change, Stored
from mobile_sync.memory.bundles import open_bundle
from mobile_sync.memory.server import MemoryCollection, MemoryServer
from mobile_sync.memory.state import State
from mobile_sync.protocol import Kind
from mobile_sync.simulation import shop
from mobile_sync.upcast import upcast_patch


@dataclass
class ManyThings(MemoryCollection):
    """Reads, checks and writes whole batches (`collection.ManyAtOnce`)."""

    def stored_many(self, ctx: MemoryServer, ids: Collection[UUID]) -> Mapping[UUID, Stored]:
        """The records there are."""
        ctx.step("records read")
        found = {rec_id: ctx.locked((self.entity, rec_id)) for rec_id in sorted(ids)}
        return {rec_id: one for rec_id, one in found.items() if one is not None}

    def check(self, _ctx: MemoryServer, change: Change) -> None:
        """The application's own no."""
        shop.refuse(change)

    def apply_many(self, ctx: MemoryServer, changes: Sequence[Change]) -> list[int]:
        """All, or a bug that cannot be told whose it is."""
        for change in changes:
            shop.break_down(change)
        return [self._written(ctx, change) for change in changes]

    def _written(self, ctx: MemoryServer, change: Change) -> int:
        gone = change.kind is Kind.DELETE
        return ctx.write(self.entity, change.rec_id, change.fields, device=change.device, op=change.op, deleted=gone)


class Unsealed:
    """The part of a `House` that has to do with bundles: nobody reads them on their way here, nobody signs receipts."""

    def seal(self, header: Header, ops: Sequence[Mapping[str, Any]], content: Callable[[str], bytes]) -> bytes:
        """As it is."""
        return open_bundle(header, ops, content)

    def receipt(self, body: bytes) -> Mapping[str, Any]:
        """As it is."""
        return cast("Mapping[str, Any]", json.loads(body))


def migrate(server: MemoryServer, version: int) -> None:
    """The same steps that ops go through bring the records and their history along; every document changed."""
    state, step = server.state, shop.UPCASTERS[version - 1]
    for key, stored in state.records.items():
        state.records[key] = stored._replace(fields=step(stored.fields))
        state.versions[key] = tuple(replace(one, patch=upcast_patch(one.patch, step)) for one in state.versions[key])
    for conflict_id, contest in state.contests.items():
        name = next(iter(step({contest.clash.field: None})))
        state.contests[conflict_id] = replace(contest, clash=replace(contest.clash, field=name))
    for bucket, places in state.places.items():
        for key, place in places.items():
            if not place.gone:
                server.mark(bucket, key, gone=False)


def forget_exits(state: State, silent_since: datetime) -> None:
    """Those that no device may need which has pulled since (SPEC.md T4)."""
    heard = {owner: cursors for owner, (cursors, at) in state.cursors.items() if at >= silent_since}
    waiting = {(owner, bucket) for owner, cursors in heard.items() for bucket in cursors}
    waiting |= {(owner, bucket) for (owner, bucket, _), until in state.subscriptions.items() if until is None}
    for bucket, places in state.places.items():
        needed = [cursors.get(bucket, 0) for owner, cursors in heard.items() if (owner, bucket) in waiting]
        least = min(needed, default=state.ends.get(bucket, 0))
        old = [key for key, place in places.items() if place.gone and not place.dirty and place.seq <= least]
        for key in old:
            state.lows[bucket] = max(state.lows.get(bucket, 0), places.pop(key).seq)


def read_digest(headers: Mapping[str, str]) -> bytes | None:
    """`Upload-Checksum` decoded; None without one."""
    checksum = headers.get("Upload-Checksum")
    return base64.b64decode(checksum.partition(" ")[2]) if checksum else None


def read_metadata(header: str) -> dict[str, str]:
    """`Upload-Metadata` decoded."""
    pairs = (pair.split(" ") for pair in header.split(","))
    return {name: base64.b64decode(value).decode() for name, value in pairs}
