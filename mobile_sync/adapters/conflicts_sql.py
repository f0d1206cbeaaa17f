"""What people do about conflicts, in PostgreSQL (SPEC.md C). The caller holds the rows locked.

Each change gives the conflict a revision, so that an application can let it travel as a record of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, update
from sqlalchemy.orm import Session

from mobile_sync.adapters.tables import sync_conflict


def settle_conflicts(
    session: Session, revs: Mapping[UUID, int], *, resolution: Mapping[str, Any], by: UUID | None, at: datetime
) -> None:
    """Close conflicts by id with the revision their record has after the decision. An open one only: C2.

    Who decides has seen it: an alarm that nobody had acknowledged is acknowledged by the decision.
    """
    row = sync_conflict.c
    session.connection().execute(
        update(sync_conflict)
        .where(row.id == bindparam("conflict"), row.state == "open")
        .values(
            state="resolved",
            resolution=dict(resolution),
            resolved_rev=bindparam("resolved_at_rev"),
            resolved_by=by,
            resolved_at=at,
            acknowledged_by=func.coalesce(row.acknowledged_by, by),
            acknowledged_at=func.coalesce(row.acknowledged_at, at),
            rev=row.rev + 1,
        ),
        [{"conflict": conflict_id, "resolved_at_rev": rev} for conflict_id, rev in sorted(revs.items())],
    )


def assign_conflicts(
    session: Session, ids: Collection[UUID], *, assignee: UUID | None, due_at: datetime | None
) -> None:
    """Whose open conflicts these are, and until when."""
    _change_open(session, ids, {"assignee": assignee, "due_at": due_at})


def acknowledge_conflicts(session: Session, ids: Collection[UUID], *, by: UUID | None, at: datetime) -> None:
    """Somebody has seen that these open conflicts are there."""
    _change_open(session, ids, {"acknowledged_by": by, "acknowledged_at": at})


def _change_open(session: Session, ids: Collection[UUID], values: Mapping[str, Any]) -> None:
    row = sync_conflict.c
    changed = update(sync_conflict).where(row.id.in_(ids), row.state == "open").values(**values, rev=row.rev + 1)
    session.connection().execute(changed)
