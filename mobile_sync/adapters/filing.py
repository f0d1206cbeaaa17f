"""Rows of the ledger, written many at a time (SPEC.md P3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from mobile_sync.adapters.bulk import NULL, copy_rows, json_cell
from mobile_sync.answers import result_text
from mobile_sync.protocol import Device, Received, Result

_COLUMNS = (
    *("device_id", "actor", "clock_error_ms", "received_at", "op_no", "digest", "status", "rev_after", "result"),
    *("body", "entity", "rec_id", "kind", "base_rev", "group_no", "schema_version", "device_at"),
)
_UNREAD = "\t".join([*[NULL] * 5, "0", NULL])


class Filing:
    """The results of one push, as lines of COPY until they are written."""

    def __init__(self, device: Device, clock_error_ms: int, now: datetime) -> None:
        self._head = f"{device.id}\t{device.person_id or NULL}\t{clock_error_ms}\t{now}"
        self.lines: list[str] = []

    def add(self, received: Received, result: Result) -> None:
        """One op; what could not be read of it is null, its body is kept as it came."""
        op = received.op
        if op is None:
            read = _UNREAD
        else:
            group = NULL if op.group_no is None else op.group_no
            read = (
                f"{op.entity}\t{op.rec_id.int:032x}\t{op.kind}\t{op.base_rev}\t{group}\t{op.schema_version}\t"
                f"{op.device_at}"
            )
        self.lines.append(
            f"{self._head}\t{received.op_no}\t\\\\x{received.digest.hex()}\t{result.status}\t{result.rev}\t"
            f"{json_cell(result_text(result))}\t{json_cell(received.body)}\t{read}"
        )


def file_rows(session: Session, lines: Sequence[str]) -> None:
    """One statement, however many."""
    copy_rows(session, "sync_op", _COLUMNS, lines)
