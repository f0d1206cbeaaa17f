"""A bundle that has been opened, before and after the ledger, pure (SPEC.md V5–V8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from mobile_sync.bundle import FORMAT, Header
from mobile_sync.canonical import Writer, canonical
from mobile_sync.outbox import Entry, Outbox
from mobile_sync.protocol import MAX_OPS, Batch, Device, Result, SyncProblem
from mobile_sync.wire import read_batch, read_time, write_time


class Standing(NamedTuple):
    """How the server stands with the device: the next number, its clock, the present life."""

    expected: int
    clock_error: timedelta
    epoch: str
    now: datetime


def must_follow(header: Header, device: Device, standing: Standing) -> None:
    """V6: nothing between what is here and what comes; V7: not of a life whose numbers may mean other ops by now.

    Raises:
        SyncProblem: `bundle_gap`, `bundle_epoch`.
    """
    if header.ops_count and header.first_op > standing.expected:
        raise SyncProblem("bundle_gap", 409, expected=standing.expected, first_op=header.first_op)
    unknown = header.last_op >= standing.expected
    if unknown and not device.revoked and header.epoch not in (None, standing.epoch):
        raise SyncProblem("bundle_epoch", 409)


def batches_of(
    header: Header,
    device: Device,
    standing: Standing,
    ops: Sequence[Any],
    write: Writer = canonical,
) -> Iterator[Batch]:
    """As the device would have pushed them; `write` is as for `read_batch`, and it raises what that does."""
    # Its clock as last heard of; and nothing arrives before it was made, whatever that clock says.
    sent_at = max(standing.now + standing.clock_error, read_time(header.created_at))
    envelope = {
        "schema_version": header.schema_version,
        "sent_at": write_time(sent_at),
        "monotonic_ms": 0,
        "epoch": None if device.revoked else header.epoch,
    }
    rest = Outbox(tuple(Entry(op) for op in ops))
    while rest.entries:
        sent = rest.to_send(MAX_OPS)
        yield read_batch({**envelope, "ops": sent}, write)
        rest = Outbox(rest.entries[len(sent) :])


def claims_of(header: Header, after: Standing, results: Sequence[Result], verified: Sequence[str]) -> dict[str, Any]:
    """What the receipt says: what became of each op and nothing of what stands in it (V8)."""
    return {
        "format": FORMAT,
        "device_id": header.device_id,
        "epoch": after.epoch,
        "server_at": write_time(after.now),
        "expected": after.expected,
        "results": [{"op_no": one.op_no, "status": one.status.value, "rev": one.rev} for one in results],
        "files": list(verified),
    }
