"""Replicas that did not add up, as devices told of them (SPEC.md L16): written by pulls, read by support."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    case,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from mobile_sync.adapters.tables import metadata
from mobile_sync.protocol import Incident

Moment = DateTime(timezone=True)
MOST_OF_A_DEVICE = 500
"""Kept of one device: one that finds fault at every pull must not fill the table."""

# `found_at` and `healed_at` are the server's clock at the pulls that showed it, as the device heard it; `reported_at`
# is when the device told. `missing`: rows of the bucket were not on the device; `surplus`: it had more; `altered`: as
# many, but not the same ones.
sync_incident = Table(
    "sync_incident",
    metadata,
    Column("device_id", Uuid, nullable=False),
    Column("bucket", Text, nullable=False),
    Column("found_at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("expected_rows", BigInteger, nullable=False),
    Column("expected_checksum", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("healed_at", Moment),
    Column("reported_at", Moment, nullable=False),
    PrimaryKeyConstraint("device_id", "bucket", "found_at"),
    CheckConstraint(
        "kind = CASE WHEN rows < expected_rows THEN 'missing' WHEN rows > expected_rows THEN 'surplus' "
        "ELSE 'altered' END",
        name="kind",
    ),
    CheckConstraint("rows >= 0 AND expected_rows >= 0", name="rows"),
    CheckConstraint("checksum ~ '^[0-9a-f]{16}$' AND expected_checksum ~ '^[0-9a-f]{16}$'", name="checksum"),
    CheckConstraint("rows <> expected_rows OR checksum <> expected_checksum", name="differs"),
    CheckConstraint("healed_at >= found_at", name="healed_at"),
)
Index("ix_sync_incident_found_at", sync_incident.c.found_at)
Index("ix_sync_incident_open", sync_incident.c.device_id, postgresql_where=text("healed_at IS NULL"))


class IncidentRow(NamedTuple):
    """One incident. `kind`: `missing`, `surplus` or `altered` rows; `healed_at` None: not healed yet."""

    device_id: UUID
    bucket: str
    found_at: datetime
    kind: str
    expected_rows: int
    expected_checksum: str
    rows: int
    checksum: str
    healed_at: datetime | None
    reported_at: datetime


def note_incidents(session: Session, device_id: UUID, told: Sequence[Incident], now: datetime) -> None:
    """Keep what a device tells; told again it changes nothing but that it has healed."""
    rows = {(one.bucket, one.found_at): _row(device_id, one, now) for one in told if _differs(one)}
    if not rows:
        return
    statement = upsert(sync_incident)
    row = sync_incident.c
    healed = statement.on_conflict_do_update(
        index_elements=[row.device_id, row.bucket, row.found_at],
        set_={"healed_at": statement.excluded.healed_at, "reported_at": statement.excluded.reported_at},
        where=row.healed_at.is_(None) & statement.excluded.healed_at.is_not(None),
    )
    session.execute(healed, [rows[key] for key in sorted(rows)])
    last = select(row.found_at).where(row.device_id == device_id).order_by(row.found_at.desc())
    oldest_kept = last.offset(MOST_OF_A_DEVICE - 1).limit(1).scalar_subquery()
    session.execute(delete(sync_incident).where(row.device_id == device_id, row.found_at < oldest_kept))


def _differs(one: Incident) -> bool:
    """What adds up is no incident, whatever a device says."""
    return (one.rows, one.checksum) != (one.expected_rows, one.expected_checksum)


def _row(device_id: UUID, one: Incident, now: datetime) -> dict[str, Any]:
    kind = "missing" if one.rows < one.expected_rows else "surplus" if one.rows > one.expected_rows else "altered"
    return {
        "device_id": device_id,
        "bucket": one.bucket,
        "found_at": one.found_at,
        "kind": kind,
        "expected_rows": one.expected_rows,
        "expected_checksum": one.expected_checksum,
        "rows": one.rows,
        "checksum": one.checksum,
        # A server that was restored to a clock behind may have said the later pull to be the earlier one.
        "healed_at": None if one.healed_at is None else max(one.found_at, one.healed_at),
        "reported_at": now,
    }


def incidents_of(
    session: Session, device_ids: Collection[UUID], *, open_only: bool = False, limit: int = 100
) -> list[IncidentRow]:
    """Incidents of these devices, newest first; those not healed yet before all others."""
    row = sync_incident.c
    query = select(sync_incident).where(row.device_id.in_(device_ids))
    if open_only:
        query = query.where(row.healed_at.is_(None))
    order = query.order_by(case((row.healed_at.is_(None), 0), else_=1), row.found_at.desc(), row.bucket)
    return [IncidentRow(**found) for found in session.execute(order.limit(limit)).mappings()]


class IncidentCount(NamedTuple):
    """How often a device's replica did not add up, and how many of these are not healed."""

    total: int
    unhealed: int
    last_found_at: datetime


def count_incidents(session: Session, device_ids: Collection[UUID]) -> dict[UUID, IncidentCount]:
    """By device; one that never had any is left out. One query."""
    row = sync_incident.c
    unhealed = func.count().filter(row.healed_at.is_(None))
    query = select(row.device_id, func.count(), unhealed, func.max(row.found_at)).where(row.device_id.in_(device_ids))
    return {found[0]: IncidentCount(*found[1:]) for found in session.execute(query.group_by(row.device_id))}
