"""The day board made by the database: a crew's lane each, a bar for each visit and each job at work.

`board.DayBoard` is the contract; `tests/dispatch/test_board.py` holds both against each other.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.identity.models import Branch

MOST_LANES = 5_000
MOST_BARS = 20_000  # a day of a thousand crews has half of that; more than this no screen can show


def branch_zone(session: Session, branch_id: UUID) -> str:
    """The IANA name of the time zone a branch works in."""
    return session.scalars(select(Branch.timezone).where(Branch.id == branch_id)).one()


def day_json(
    session: Session, branch_id: UUID, *, start: datetime, end: datetime, now: datetime, job_id: UUID | None
) -> tuple[str, str, bool]:
    """Lanes by crew code, bars by start, both as JSON text, and whether some were left out. One query.

    With `job_id` only this job's bars and their crews' lanes.
    """
    params = {"branch_id": branch_id, "start": start, "end": end, "now": now, "job_id": job_id}
    row = session.execute(_DAY, {**params, "most_lanes": MOST_LANES, "most_bars": MOST_BARS}).one()
    return row.lanes, row.bars, row.truncated


# A booked visit that was accepted was assigned when it was booked: its work begins with the step, not with the row.
_DAY = text(
    """
    WITH held AS MATERIALIZED (
        SELECT a.id, a.job_id, a.crew_id, a.live, a.planned_start, a.planned_end,
               CASE WHEN NOT a.live THEN NULL WHEN a.planned_start IS NULL THEN a.assigned_at
                    ELSE coalesce((SELECT min(e.at) FROM job_event e WHERE e.job_id = a.job_id
                                   AND e.crew_id = a.crew_id AND e.kind = 'accepted' AND e.at >= a.assigned_at),
                                  a.assigned_at) END AS started_at,
               a.ended_at, a.end_reason
        FROM assignment a
        WHERE a.branch_id = :branch_id AND (a.ended_at IS NULL OR a.ended_at > :start)
          AND (a.ended_at IS NULL OR a.live AND a.end_reason IN ('completed', 'handed_back'))
          AND (CAST(:job_id AS uuid) IS NULL OR a.job_id = :job_id)
    ), b AS MATERIALIZED (
        SELECT h.id, h.job_id, h.crew_id, h.live, h.planned_start, h.planned_end, h.started_at, h.ended_at,
               h.end_reason, j.number, j.kind, j.state, j.priority, j.required_skill, j.address, j.window_start,
               j.window_end, j.due_at, j.arrived_at
        FROM held h JOIN job j ON j.id = h.job_id
        WHERE j.deleted_at IS NULL
          AND (h.planned_start < :end AND h.planned_end > :start AND h.ended_at IS NULL
               OR h.started_at < :end AND coalesce(h.ended_at, :now) > :start)
        ORDER BY coalesce(h.started_at, h.planned_start), h.id LIMIT :most_bars
    ), duty AS (
        SELECT s.crew_id, json_agg(json_build_object('starts_at', s.starts_at, 'ends_at', s.ends_at)
                                   ORDER BY s.starts_at, s.id) AS shifts
        FROM shift s WHERE s.branch_id = :branch_id AND s.starts_at < :end AND s.ends_at > :start GROUP BY s.crew_id
    ), able AS (
        SELECT m.crew_id, json_agg(DISTINCT q.skill ORDER BY q.skill) AS skills
        FROM crew_member m JOIN qualification q ON q.person_id = m.person_id
        WHERE m.branch_id = :branch_id AND m.until IS NULL AND q.valid_from < :end AND q.valid_until > :start
        GROUP BY m.crew_id
    ), lane AS (
        SELECT c.id AS crew_id, c.code, c.name_zh, c.name_en, c.kind, coalesce(d.shifts, '[]'::json) AS shifts,
               coalesce(k.skills, '[]'::json) AS skills
        FROM crew c LEFT JOIN duty d ON d.crew_id = c.id LEFT JOIN able k ON k.crew_id = c.id
        WHERE c.branch_id = :branch_id
          AND (CAST(:job_id AS uuid) IS NULL AND c.deleted_at IS NULL AND d.crew_id IS NOT NULL
               OR c.id IN (SELECT b.crew_id FROM b))
        ORDER BY c.code, c.id LIMIT :most_lanes
    )
    SELECT (SELECT coalesce(json_agg(lane), '[]')::text FROM lane) AS lanes,
           (SELECT coalesce(json_agg(b), '[]')::text FROM b) AS bars,
           (SELECT count(*) FROM lane) = :most_lanes OR (SELECT count(*) FROM b) = :most_bars AS truncated
    """
)
