"""Rows of the ledger, written many at a time (SPEC.md P3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from mobile_sync.adapters.bulk import copy_rows, json_cell
from mobile_sync.answers import result_text
from mobile_sync.protocol import Device, Received, Result

_COLUMNS = (
    *("device_id", "actor", "op_no", "entity", "rec_id", "kind", "base_rev", "group_no", "schema_version", "body"),
    *("digest", "status", "rev_after", "result", "device_at", "clock_error_ms", "received_at"),
)


def row_of(device: Device, received: Received, result: Result, clock_error_ms: int, now: datetime) -> str:
    """One op as a line of COPY; what could not be read of it is null, its body is kept as it came."""
    op, number = received.op, received.op_no
    told = json_cell(result_text(result))
    if op is None:
        read, at = "\\N\t\\N\t\\N\t\\N\t\\N\t0", "\\N"
    else:
        group = "\\N" if op.group_no is None else op.group_no
        read = f"{op.entity}\t{op.rec_id.int:032x}\t{op.kind}\t{op.base_rev}\t{group}\t{op.schema_version}"
        at = op.device_at.isoformat()
    return (
        f"{device.id}\t{device.person_id or NULL}\t{number}\t{read}\t{json_cell(received.body)}\t"
        f"\\\\x{received.digest.hex()}\t{result.status}\t{result.rev}\t{told}\t{at}\t{clock_error_ms}\t{now}"
    )


NULL = "\\N"


def file_rows(session: Session, rows: Sequence[str]) -> None:
    """One statement, however many."""
    copy_rows(session, "sync_op", _COLUMNS, rows)
