"""What a person decided about conflicts, in PostgreSQL (SPEC.md C). The caller holds the rows locked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from mobile_sync.adapters.tables import sync_conflict


def settle_conflicts(
    session: Session, revs: Mapping[UUID, int], *, resolution: Mapping[str, Any], by: UUID | None, at: datetime
) -> None:
    """Close conflicts by id with the revision their record has after the decision. An open one only: C2."""
    row = sync_conflict.c
    session.connection().execute(
        update(sync_conflict)
        .where(row.id == bindparam("conflict"), row.state == "open")
        .values(
            state="resolved",
            resolution=dict(resolution),
            resolved_rev=bindparam("rev"),
            resolved_by=by,
            resolved_at=at,
        ),
        [{"conflict": conflict_id, "rev": rev} for conflict_id, rev in sorted(revs.items())],
    )


def assign_conflicts(
    session: Session, ids: Collection[UUID], *, assignee: UUID | None, due_at: datetime | None
) -> None:
    """Whose open conflicts these are, and until when."""
    row = sync_conflict.c
    session.connection().execute(
        update(sync_conflict).where(row.id.in_(ids), row.state == "open").values(assignee=assignee, due_at=due_at)
    )
