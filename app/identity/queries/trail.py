"""Reads of the audit trail."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from app.identity.models import AuditEntry
from app.kernel.paging import decode_cursor, time_key, uuid_key


def audit_entries(
    session: Session, *, branch_ids: Collection[UUID], action: str | None, cursor: str | None, limit: int
) -> Sequence[AuditEntry]:
    """Audit entries of these branches, newest first; `limit` + 1 rows tell whether there are more."""
    query = select(AuditEntry).where(AuditEntry.branch_id.in_(branch_ids))
    if action:
        query = query.where(AuditEntry.action == action)
    after = decode_cursor(cursor, keys=2)
    if after:
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < tuple_(time_key(after[0]), uuid_key(after[1])))
    return session.scalars(query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit + 1)).all()
