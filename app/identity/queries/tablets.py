"""Reads of tablets and enrolment codes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, column, func, select, table
from sqlalchemy.orm import Session

from app.identity.models import Branch, Device, DeviceState, EnrolmentCode
from app.kernel.paging import decode_cursor, uuid_key
from app.kernel.problems import NotFound
from mobile_sync.adapters.tables import sync_device_state


def device_known_by_key(session: Session, key_thumbprint: str) -> Device | None:
    """The tablet with this key."""
    return session.scalar(select(Device).where(Device.key_thumbprint == key_thumbprint))


def revoked_among(session: Session, device_ids: Collection[UUID]) -> set[UUID]:
    """Those of the tablets that were signed out by the office."""
    gone = select(Device.id).where(Device.id.in_(device_ids), Device.state != DeviceState.ACTIVE)
    return set(session.scalars(gone))


def find_device(session: Session, device_id: UUID) -> Device | None:
    """A tablet by its id, for one that is about to prove itself."""
    return session.get(Device, device_id)


def get_device(session: Session, device_id: UUID, *, branch_ids: Collection[UUID]) -> Device:
    """A tablet of one of these branches.

    Raises:
        NotFound: no such tablet there.
    """
    device = session.scalar(select(Device).where(Device.id == device_id, Device.branch_id.in_(branch_ids)))
    if device is None:
        raise NotFound
    return device


def devices(session: Session, *, branch_ids: Collection[UUID], cursor: str | None, limit: int) -> Sequence[Device]:
    """Tablets of these branches, newest first; `limit` + 1 rows tell whether there are more."""
    query = select(Device).where(Device.branch_id.in_(branch_ids)).order_by(Device.id.desc())
    after = decode_cursor(cursor, keys=1)
    if after:
        query = query.where(Device.id < uuid_key(after[0]))
    return session.scalars(query.limit(limit + 1)).all()


@dataclass(frozen=True)
class Health:
    """How a tablet fares, as it said when it last synced; None where it has not said."""

    last_sync_at: datetime | None = None
    clock_error_ms: int | None = None
    app_version: str | None = None
    pending_ops: int | None = None
    oldest_pending_at: datetime | None = None


def health_of(session: Session, device_ids: Collection[UUID]) -> dict[UUID, Health]:
    """How these tablets fare; those that never synced are left out. Callers hold ids they were allowed to read."""
    state = sync_device_state.c
    met = func.greatest(state.last_push_at, state.last_pull_at, type_=DateTime(timezone=True))
    query = select(state.device_id, met, state.clock_error_ms, state.report).where(state.device_id.in_(device_ids))
    return {row[0]: _health(row[1], row[2], row[3] or {}) for row in session.execute(query)}


def _health(met_at: datetime | None, clock_error_ms: int | None, report: dict[str, Any]) -> Health:
    return Health(
        last_sync_at=met_at,
        clock_error_ms=clock_error_ms,
        app_version=report.get("app_version"),
        pending_ops=report.get("queued_ops"),
        oldest_pending_at=_moment(report.get("oldest_queued_at")),
    )


def _moment(told: str | None) -> datetime | None:
    """A time as a device wrote it; None where it is no time with a zone, since nothing hangs on it."""
    try:
        moment = datetime.fromisoformat(told or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def time_zone_of(session: Session, device_id: UUID) -> str:
    """The clock by which a tablet's days are counted: its branch's."""
    query = select(Branch.timezone).join(Device, Device.branch_id == Branch.id).where(Device.id == device_id)
    return session.scalars(query).one()


def lock_code(session: Session, code_hash: bytes) -> EnrolmentCode | None:
    """An enrolment code, locked: two tablets cannot use it at once."""
    return session.scalar(select(EnrolmentCode).where(EnrolmentCode.code_hash == code_hash).with_for_update())


# Crews stand above this room; a tablet that signs in is told its crew all the same, so their names are read here.
_crew = table("crew", column("id"), column("code"), column("name_zh"), column("name_en"))
_crew_member = table("crew_member", column("crew_id"), column("person_id"), column("until"))


def crew_of(session: Session, person_id: UUID) -> dict[str, Any] | None:
    """`{id, code, name_zh, name_en}` of the crew the person is in now."""
    query = (
        select(_crew.c.id, _crew.c.code, _crew.c.name_zh, _crew.c.name_en)
        .join(_crew_member, _crew_member.c.crew_id == _crew.c.id)
        .where(_crew_member.c.person_id == person_id, _crew_member.c.until.is_(None))
    )
    row = session.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)
