"""What is left of today: crews with a shift, where they are, what they hold, and their visits. One query each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.dispatch.rules import LOST_AFTER


def crews_now(session: Session, branch_id: UUID, *, now: datetime) -> Sequence[Any]:
    """Crews on duty whose place is known, by code; `busy_with` is the state of the job a crew is on, and where that is.

    `certificates` are `[skill, grade, valid_from, valid_until]` in seconds since the epoch.
    """
    params = {"branch_id": branch_id, "now": now, "lost": now - LOST_AFTER}
    return session.execute(_CREWS, params).all()


def visits_ahead(session: Session, branch_id: UUID, *, now: datetime, until: datetime) -> Sequence[Any]:
    """Booked visits that begin between two moments, by start, with what was promised and to whom."""
    return session.execute(_VISITS, {"branch_id": branch_id, "now": now, "until": until}).all()


def tier_of(session: Session, premises_id: UUID | None) -> str | None:
    """The best service tier of the accounts at a place."""
    return session.execute(_TIER, {"premises_id": premises_id}).scalar_one_or_none()


_CREWS = text(
    """
    SELECT c.id, c.code, c.name_zh, c.name_en, max(s.ends_at) AS until,
           ST_X(p.location::geometry) AS lon, ST_Y(p.location::geometry) AS lat,
           b.state AS busy_with, ST_X(b.location::geometry) AS busy_lon, ST_Y(b.location::geometry) AS busy_lat,
           (SELECT json_agg(json_build_array(q.skill, q.grade, extract(epoch FROM q.valid_from),
                                             extract(epoch FROM q.valid_until)))
            FROM crew_member m JOIN qualification q ON q.person_id = m.person_id
            WHERE m.crew_id = c.id AND m.until IS NULL) AS certificates
    FROM crew c
    JOIN shift s ON s.crew_id = c.id AND s.starts_at <= :now AND s.ends_at > :now
    JOIN crew_position p ON p.crew_id = c.id AND p.at > :lost
    LEFT JOIN (SELECT a.crew_id, j.state, j.location FROM assignment a JOIN job j ON j.id = a.job_id
               WHERE a.live AND a.ended_at IS NULL) b ON b.crew_id = c.id
    WHERE c.branch_id = :branch_id AND c.deleted_at IS NULL
    GROUP BY c.id, p.location, b.state, b.location ORDER BY c.code
    """
)
_VISITS = text(
    """
    SELECT a.id, a.crew_id, a.planned_start, a.planned_end, j.id AS job_id, j.number, j.kind, j.priority, j.address,
           j.required_skill, j.window_start, j.window_end, j.contact_name, j.contact_phone,
           ST_X(j.location::geometry) AS lon, ST_Y(j.location::geometry) AS lat,
           (SELECT min(t.tier) FROM account t WHERE t.premises_id = j.premises_id AND t.tier IN ('key', 'vip')) AS tier
    FROM assignment a JOIN job j ON j.id = a.job_id
    WHERE a.branch_id = :branch_id AND NOT a.live AND a.ended_at IS NULL
      AND a.planned_start >= :now AND a.planned_start < :until
    ORDER BY a.planned_start, a.id
    """
)
_TIER = text("SELECT min(tier) FROM account WHERE premises_id = :premises_id AND tier IN ('key', 'vip')")
