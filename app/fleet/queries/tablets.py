"""Reads of tablets with what the sync engine keeps of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from app.fleet.rules import REJECTED_LATELY, Proof, Tablet, Told
from app.identity.models import DeviceState
from app.kernel.problems import NotFound
from mobile_sync.adapters.sql import IncidentCount, count_incidents

_TABLETS = """
    SELECT d.id, d.branch_id, d.name, d.state, d.enrolled_at, d.person_id,
           p.name AS person_name, p.name_en AS person_name_en,
           c.id AS crew_id, c.code AS crew_code, c.name_zh AS crew_name_zh, c.name_en AS crew_name_en,
           greatest(d.last_seen_at, s.last_push_at, s.last_pull_at) AS seen_at,
           s.last_push_at AS pushed_at, s.last_pull_at AS pulled_at, s.reported_at, s.clock_error_ms,
           s.schema_version, s.epoch_seen AS epoch, coalesce(s.epoch_seen = e.epoch, true) AS same_life,
           coalesce(s.high_op_no, 0) AS high_op_no, coalesce(w.quarantined, 0) AS quarantined,
           coalesce(w.held, 0) AS held, coalesce(r.rejected, 0) AS rejected, coalesce(k.conflicts, 0) AS conflicts,
           s.report
    FROM device d
    LEFT JOIN person p ON p.id = d.person_id
    LEFT JOIN crew_member m ON m.person_id = d.person_id AND m.until IS NULL
    LEFT JOIN crew c ON c.id = m.crew_id
    LEFT JOIN sync_device_state s ON s.device_id = d.id
    LEFT JOIN sync_epoch e ON e.id = 1
    LEFT JOIN (SELECT device_id, count(*) FILTER (WHERE status = 'quarantined') AS quarantined,
                      count(*) FILTER (WHERE status = 'held') AS held
               FROM sync_op WHERE status IN ('held', 'quarantined') GROUP BY device_id) w ON w.device_id = d.id
    LEFT JOIN (SELECT o.device_id, count(*) AS rejected FROM sync_op o
               WHERE o.status = 'rejected' AND o.received_at > :rejected_since AND NOT EXISTS (
                 SELECT FROM sync_repair s WHERE s.device_id = o.device_id AND s.op_no = o.op_no AND s.done)
               GROUP BY o.device_id) r ON r.device_id = d.id
    LEFT JOIN (SELECT device_id, count(*) AS conflicts FROM sync_conflict
               WHERE state = 'open' GROUP BY device_id) k ON k.device_id = d.id
    WHERE d.branch_id = ANY(:branches)
"""
_ALL = text(_TABLETS).bindparams(bindparam("branches", type_=ARRAY(Uuid)))
_ONE = text(f"{_TABLETS} AND d.id = :device_id").bindparams(bindparam("branches", type_=ARRAY(Uuid)))

# Entries that a device has not been sent: above its cursor, or changed since they were numbered.
_BEHIND = text(
    """
    SELECT s.device_id, sum((
        SELECT count(*) FROM sync_entry e
        WHERE e.bucket_id = s.bucket_id AND (e.dirty OR e.seq > coalesce((t.cursors ->> b.key)::bigint, 0))))::bigint
    FROM sync_subscription s
    JOIN sync_bucket b ON b.id = s.bucket_id
    LEFT JOIN sync_device_state t ON t.device_id = s.device_id
    WHERE s.device_id = ANY(:devices) AND s.until IS NULL
    GROUP BY s.device_id
    """
).bindparams(bindparam("devices", type_=ARRAY(Uuid)))


def tablets(session: Session, branch_ids: Collection[UUID], now: datetime) -> list[Tablet]:
    """Every tablet of these branches, in two queries and no order."""
    bound = {"branches": list(branch_ids), "rejected_since": now - REJECTED_LATELY}
    rows = session.execute(_ALL, bound).all()
    counts = count_incidents(session, [row.id for row in rows])
    return [_tablet(row, counts.get(row.id)) for row in rows]


def tablet(session: Session, branch_ids: Collection[UUID], device_id: UUID, now: datetime) -> Tablet:
    """One of them.

    Raises:
        NotFound: none of that id in these branches.
    """
    bound = {"branches": list(branch_ids), "device_id": device_id, "rejected_since": now - REJECTED_LATELY}
    row = session.execute(_ONE, bound).one_or_none()
    if row is None:
        raise NotFound
    return _tablet(row, count_incidents(session, [device_id]).get(device_id))


def behind(session: Session, device_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many changes wait for each of these tablets, which the caller may see; one that never pulled is left out."""
    return {row[0]: row[1] for row in session.execute(_BEHIND, {"devices": list(device_ids)})}


def _tablet(row: Row[Any], counted: IncidentCount | None) -> Tablet:
    total, unhealed, last = counted or (0, 0, None)
    fields = {**row._mapping, "incidents": total, "unhealed": unhealed, "incident_at": last}
    report = fields.pop("report") or {}
    told = Told(
        app_version=report.get("app_version"),
        queued_ops=report.get("queued_ops"),
        queued_files=report.get("queued_files"),
        queued_bytes=report.get("queued_bytes"),
        oldest_queued_at=_moment(report.get("oldest_queued_at")),
        storage_free_bytes=report.get("storage_free_bytes"),
        proof=Proof(**report["proof"]) if report.get("proof") else None,
    )
    return Tablet(**{**fields, "state": DeviceState(fields["state"])}, told=told)


def _moment(told: str | None) -> datetime | None:
    """A time as a device wrote it; None where it is no time with a zone, since nothing hangs on it."""
    try:
        moment = datetime.fromisoformat(told or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None
