"""The truth of a server in memory."""

from __future__ import annotations

import json

from mobile_sync.answers import write_result
from mobile_sync.collection import Stored
from mobile_sync.memory.server import MemoryServer
from mobile_sync.memory.state import State
from mobile_sync.simulation import shop
from mobile_sync.simulation.truth import ContestRow, LedgerRow, RecordRow, Truth, VersionRow


def record_row(stored: Stored) -> RecordRow:
    """With the buckets its predicate says."""
    buckets = frozenset() if stored.deleted else frozenset(shop.placed(stored.fields))
    return RecordRow(stored.rev, stored.fields, stored.deleted, buckets)


def truth_of(server: MemoryServer) -> Truth:
    """Everything there is."""
    state = server.state
    return Truth(
        records={f"{key[0]}/{key[1]}": record_row(one) for key, one in state.records.items()},
        versions={
            f"{key[0]}/{key[1]}": [VersionRow(one.rev, one.patch, one.device_id, one.op_no) for one in versions]
            for key, versions in state.versions.items()
        },
        ledger={
            (device_id, number): LedgerRow(json.loads(received.body), result.status.value, write_result(result))
            for device_id, ops in state.ops.items()
            for number, (received, result) in ops.items()
        },
        contests=_contests(state),
        members={
            bucket: frozenset(f"{key[0]}/{key[1]}" for key, place in places.items() if not place.gone)
            for bucket, places in state.places.items()
        },
        declared={
            (f"{key[0]}/{key[1]}", slot, sha256): owner for (key, slot, sha256), (owner, _, _) in state.files.items()
        },
        blobs=_blobs(state),
        contents=dict(state.verified),
    )


def _blobs(state: State) -> dict[str, str]:
    """`declared`, `partial` or `verified` (B2)."""
    begun = {one.sha256 for one in state.uploads.values() if one.content}
    named = {sha256 for _, _, sha256 in state.files}
    return {
        sha256: "verified" if sha256 in state.verified else "partial" if sha256 in begun else "declared"
        for sha256 in sorted(named | state.verified.keys())
    }


def _contests(state: State) -> list[ContestRow]:
    return [
        ContestRow(id_, one.device_id, f"{one.key[0]}/{one.key[1]}", one.clash.field, one.clash.mine, one.state)
        for id_, one in state.contests.items()
    ]
