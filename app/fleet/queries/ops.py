"""Reads of what came from a tablet and waits, with the job it is about and what was said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from app.kernel.problems import NotFound
from mobile_sync.adapters.sql import lock_device
from mobile_sync.adapters.tables import sync_op, sync_repair
from mobile_sync.protocol import MAX_INTEGER

WAITING = "o.status IN ('held', 'quarantined')"
DECIDED = "EXISTS (SELECT FROM sync_repair r WHERE r.device_id = o.device_id AND r.op_no = o.op_no AND r.done)"

# A photo that nobody could judge is of no record yet: it names its job itself, as text that a tablet wrote.
_JOB_ID = """
    CASE o.entity
      WHEN 'job' THEN o.rec_id
      WHEN 'form_record' THEN f.job_id
      WHEN 'attachment' THEN coalesce(t.job_id,
        CASE WHEN o.body #>> '{fields,job_id}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
             THEN (o.body #>> '{fields,job_id}')::uuid END)
    END
"""
_HISTORY = """
    SELECT coalesce(json_agg(json_build_object(
        'verb', r.verb, 'at', r.at, 'person_id', r.person_id, 'person_name', w.name, 'person_name_en', w.name_en,
        'reason', r.reason, 'fields', r.fields, 'done', r.done, 'result', r.after) ORDER BY r.n), '[]')
    FROM sync_repair r LEFT JOIN person w ON w.id = r.person_id
    WHERE r.device_id = o.device_id AND r.op_no = o.op_no
"""
_OPS = f"""
    SELECT o.op_no, o.status, o.entity, o.rec_id, o.kind, o.body, o.result, o.device_at, o.received_at,
           o.clock_error_ms, o.actor AS person_id, p.name AS person_name, p.name_en AS person_name_en,
           (SELECT count(*) FROM sync_repair r WHERE r.device_id = o.device_id AND r.op_no = o.op_no) AS rev,
           ({_HISTORY}) AS history,
           j.id AS job_id, j.number AS job_number, j.kind AS job_kind, j.state AS job_state, j.address AS job_address,
           f.answers, j.note, j.finding, fm.document -> 'schema' -> 'properties' AS questions
    FROM sync_op o
    LEFT JOIN person p ON p.id = o.actor
    LEFT JOIN form_record f ON o.entity = 'form_record' AND f.id = o.rec_id
    LEFT JOIN attachment t ON o.entity = 'attachment' AND t.id = o.rec_id
    LEFT JOIN job j ON j.id = {_JOB_ID}
    LEFT JOIN form fm ON fm.code = f.form_code AND fm.version = f.form_version
    WHERE o.device_id = :device_id
"""  # noqa: S608 - composed of constants
_LISTED = {
    False: text(f"{_OPS} AND {WAITING} AND o.op_no > :after ORDER BY o.op_no LIMIT :most"),
    True: text(f"{_OPS} AND {DECIDED} AND (:after = 0 OR o.op_no < :after) ORDER BY o.op_no DESC LIMIT :most"),
}


@dataclass(frozen=True)
class WaitingOp:
    """An op with the number of times the centre has said something about it."""

    op_no: int
    status: str
    rev: int
    received_at: datetime


def ops(session: Session, device_id: UUID, *, decided: bool, after: int, limit: int) -> list[Row[Any]]:
    """Ops of a tablet that wait, by number; or those the centre ended, the newest first. One more than `limit`."""
    return list(session.execute(_LISTED[decided], {"device_id": device_id, "after": after, "most": limit + 1}))


def lock_op(session: Session, device_id: UUID, op_no: int) -> WaitingOp:
    """An op, its tablet's ledger held until the end of the transaction. The caller may see the tablet.

    Raises:
        NotFound: the tablet sent no such op.
    """
    if op_no >= MAX_INTEGER:
        raise NotFound
    lock_device(session, device_id)
    op, said = sync_op.c, sync_repair.c
    rev = select(func.count()).where(said.device_id == op.device_id, said.op_no == op.op_no).scalar_subquery()
    query = select(op.op_no, op.status, rev.label("rev"), op.received_at)
    row = session.execute(query.where(op.device_id == device_id, op.op_no == op_no)).one_or_none()
    if row is None:
        raise NotFound
    return WaitingOp(*row)
