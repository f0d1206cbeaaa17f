"""What waits in the ledger and what the centre said about it, in PostgreSQL (SPEC.md R)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Row, func, insert, select, text, update
from sqlalchemy.orm import Session

from mobile_sync.adapters import texts
from mobile_sync.adapters.tables import sync_device_state, sync_op, sync_repair
from mobile_sync.answers import write_result
from mobile_sync.canonical import is_same
from mobile_sync.protocol import Received, Refusal, Result
from mobile_sync.repair import NotWaiting, Waiting, Word
from mobile_sync.results import read_result
from mobile_sync.wire import receive

_WAITING = text(
    """
    SELECT o.op_no, o.body, o.digest, o.result, o.actor, o.clock_error_ms,
           coalesce(nullif(o.schema_version, 0), s.schema_version, 1) AS schema_version,
           (SELECT r.fields FROM sync_repair r WHERE r.device_id = o.device_id AND r.op_no = o.op_no
            AND r.fields IS NOT NULL ORDER BY r.n DESC LIMIT 1) AS repaired
    FROM sync_op o LEFT JOIN sync_device_state s ON s.device_id = o.device_id
    WHERE o.device_id = :device_id AND o.status IN ('held', 'quarantined') ORDER BY o.op_no
    """
)


def lock_device(session: Session, device_id: UUID) -> None:
    """Neither a push of the device nor anybody else at the centre comes between (P18)."""
    row = sync_device_state.c
    session.execute(select(row.device_id).where(row.device_id == device_id).with_for_update())


@dataclass(frozen=True)
class SqlArchive:
    """The ledger of one device, in the session's transaction."""

    session: Session
    device_id: UUID

    def waiting(self) -> dict[int, Waiting]:
        """Locked, then read."""
        lock_device(self.session, self.device_id)
        rows = self.session.execute(_WAITING, {"device_id": self.device_id})
        return {row.op_no: _waiting(row) for row in rows}

    def tell(self, word: Word, before: Result, after: Result, *, keep: bool) -> None:
        """The result moves first: where it is final already nothing is written."""
        if keep:
            self._move(word.op_no, after)
        row = sync_repair.c
        said = select(func.coalesce(func.max(row.n), 0) + 1).where(
            row.device_id == self.device_id, row.op_no == word.op_no
        )
        values = {
            "device_id": self.device_id,
            "op_no": word.op_no,
            "n": said.scalar_subquery(),
            "verb": word.verb.value,
            "person_id": word.person_id,
            "at": word.at,
            "reason": word.reason,
            "before": write_result(before),
            "after": write_result(after),
            "done": keep and not after.status.waits,
        }
        fields = {} if word.fields is None else {"fields": dict(word.fields)}
        self.session.connection().execute(insert(sync_repair).values(**values, **fields))

    def _move(self, op_no: int, after: Result) -> None:
        row = sync_op.c
        moved: CursorResult[Any] = self.session.connection().execute(
            update(sync_op)
            .where(row.device_id == self.device_id, row.op_no == op_no, row.status.in_(["held", "quarantined"]))
            .values(status=after.status.value, rev_after=after.rev, result=write_result(after))
        )
        if moved.rowcount != 1:
            raise NotWaiting


def _waiting(row: Row[Any]) -> Waiting:
    found = Waiting(
        received=_received(row.op_no, row.body, row.digest, row.schema_version),
        result=read_result(row.result),
        person_id=row.actor,
        clock_error=timedelta(milliseconds=row.clock_error_ms),
        body=row.body,
        schema_version=row.schema_version,
    )
    return found if row.repaired is None else found.saying(row.repaired)


def _received(op_no: int, body: Mapping[str, Any], digest: bytes, schema_version: int) -> Received:
    """As it came. What could not be kept as it came is not taken for what was meant, unless somebody says so."""
    received = receive({**body, "op_no": op_no}, schema_version, texts.canonical)
    if is_same(received, digest):
        return received
    return Received(op_no, received.body, digest, received.refusal or Refusal("malformed"), received.group)
