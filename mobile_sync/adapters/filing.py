"""Rows of the ledger, written many at a time (SPEC.md P3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from struct import Struct

from sqlalchemy.orm import Session

from mobile_sync.adapters.binary import NULL, bigint, integer, moment, row_head, text, uuid, word
from mobile_sync.adapters.bulk import copy_binary
from mobile_sync.answers import result_text
from mobile_sync.protocol import Device, Op, Received, Result

_COLUMNS = (
    *("device_id", "actor", "clock_error_ms", "received_at", "op_no", "rev_after", "digest", "status", "result"),
    *("body", "entity", "kind", "group_no", "device_at", "rec_id", "base_rev", "schema_version"),
)
_NUMBERED = Struct(">iqiqi32s").pack  # cells of known width, which stand side by side, in one go
_ABOUT = Struct(">i16siqii").pack
_UNREAD = b"".join([*[NULL] * 6, integer(0)])


class Filing:
    """The results of one push, as rows of COPY until they are written."""

    def __init__(self, device: Device, clock_error_ms: int, now: datetime) -> None:
        who = uuid(device.id) + uuid(device.person_id)
        self._head = row_head(len(_COLUMNS)) + who + bigint(clock_error_ms) + moment(now)
        self.rows: list[bytes] = []

    def add(self, received: Received, result: Result) -> None:
        """One op; what could not be read of it is null, its body is kept as it came."""
        op = received.op
        cells = (
            self._head,
            _NUMBERED(8, received.op_no, 8, result.rev, 32, received.digest),
            word(result.status),
            text(result_text(result)),
            text(received.body),
            _UNREAD if op is None else _read(op),
        )
        self.rows.append(b"".join(cells))


def _read(op: Op) -> bytes:
    cells = (
        word(op.entity),
        word(op.kind),
        bigint(op.group_no),
        moment(op.device_at),
        _ABOUT(16, op.rec_id.bytes, 8, op.base_rev, 4, op.schema_version),
    )
    return b"".join(cells)


def file_rows(session: Session, rows: Sequence[bytes]) -> None:
    """One statement, however many."""
    copy_binary(session, "sync_op", _COLUMNS, rows)
