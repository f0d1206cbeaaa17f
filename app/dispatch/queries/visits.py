"""Booked visits: what stands in the way of another one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.dispatch.rules import Visit
from app.jobs.models import Assignment, Job


def clashing_visit(session: Session, crew_id: UUID, wanted: Visit, *, besides: UUID) -> Visit | None:
    """The crew's first visit that overlaps with the wanted one, that of the job `besides` left out."""
    query = select(Assignment, Job.number).join(Job, Job.id == Assignment.job_id)
    others = query.where(Assignment.crew_id == crew_id, Assignment.job_id != besides, Assignment.ended_at.is_(None))
    clash = others.where(Assignment.planned_start < wanted.end, Assignment.planned_end > wanted.start)
    row = session.execute(clash.order_by(Assignment.planned_start).limit(1)).first()
    if row is None or row[0].planned_start is None or row[0].planned_end is None:
        return None
    return Visit(row[0].planned_start, row[0].planned_end, row[1])
