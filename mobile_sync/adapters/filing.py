"""Rows of the ledger, written many at a time (SPEC.md P3)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, DateTime, Integer, LargeBinary, Text, TypeEngine, Uuid

from mobile_sync.answers import write_result
from mobile_sync.protocol import Device, Received, Result

_COLUMNS: dict[str, TypeEngine[Any]] = {
    "device_id": Uuid(),
    "op_no": BigInteger(),
    "entity": Text(),
    "rec_id": Uuid(),
    "kind": Text(),
    "base_rev": BigInteger(),
    "group_no": BigInteger(),
    "schema_version": Integer(),
    "body": Text(),
    "digest": LargeBinary(),
    "status": Text(),
    "rev_after": BigInteger(),
    "result": Text(),
    "actor": Uuid(),
    "device_at": DateTime(timezone=True),
    "clock_error_ms": BigInteger(),
    "received_at": DateTime(timezone=True),
}
_NAMES = ", ".join(_COLUMNS)
_VALUES = ", ".join(f"{name}::jsonb" if name in ("body", "result") else name for name in _COLUMNS)
# Arrays in one statement: an INSERT with a row of parameters an op costs more to write than its ops cost to judge.
_FILE = text(
    f"INSERT INTO sync_op ({_NAMES}) SELECT {_VALUES} FROM unnest({', '.join(f':{name}' for name in _COLUMNS)}) "  # noqa: S608
    f"AS r({_NAMES})"
).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()))


def row_of(device: Device, received: Received, result: Result, clock_error_ms: int, now: datetime) -> dict[str, Any]:
    """One op of the ledger; what could not be read of it is null, its body is kept as it came."""
    op = received.op
    return {
        "device_id": device.id,
        "op_no": received.op_no,
        "entity": op.entity if op else None,
        "rec_id": op.rec_id if op else None,
        "kind": op.kind.value if op else None,
        "base_rev": op.base_rev if op else None,
        "group_no": op.group_no if op else None,
        "schema_version": op.schema_version if op else 0,
        "body": json.dumps(received.body),
        "digest": received.digest,
        "status": result.status.value,
        "rev_after": result.rev,
        "result": json.dumps(write_result(result)),
        "actor": device.person_id,
        "device_at": op.device_at if op else None,
        "clock_error_ms": clock_error_ms,
        "received_at": now,
    }


def file_rows(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """One statement, however many."""
    session.execute(_FILE, {name: [row[name] for row in rows] for name in _COLUMNS})
