"""Reads of planning: a branch's day as rows, and plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Permission
from app.kernel.problems import NotFound
from app.planning.models import Plan, PlanStop

MOST_VISITS = 5_000


@dataclass(frozen=True)
class Span:
    """A day of a branch, as of a moment."""

    branch_id: UUID
    start: datetime
    end: datetime
    now: datetime

    def params(self) -> dict[str, Any]:
        """For a statement."""
        return {"branch_id": self.branch_id, "start": self.start, "end": self.end, "now": self.now}


def shifts(session: Session, span: Span) -> Sequence[Any]:
    """Shifts that begin on the day, by crew code, with where the crew was last: else its regions, else the branch."""
    return session.execute(_SHIFTS, span.params()).all()


def certificates(session: Session, span: Span) -> Sequence[Any]:
    """What today's members of the branch's crews hold on that day."""
    return session.execute(_CERTIFICATES, span.params()).all()


def visits(session: Session, span: Span) -> Sequence[Any]:
    """Jobs that the day could hold: booked on it, or new with nothing against it; most urgent first."""
    return session.execute(_VISITS, {**span.params(), "most": MOST_VISITS}).all()


def taken(session: Session, span: Span) -> Sequence[Any]:
    """Times of crews that planning leaves alone: visits accepted already."""
    return session.execute(_TAKEN, span.params()).all()


def known_to(session: Session, span: Span, premises_ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """The crews that finished a job at these premises in the last year."""
    found: dict[UUID, set[UUID]] = {}
    for premises_id, crew_id in session.execute(_KNOWN, {**span.params(), "premises_ids": list(premises_ids)}):
        found.setdefault(premises_id, set()).add(crew_id)
    return found


def get_plan(session: Session, actor: Actor, plan_id: UUID, *, lock: bool = False) -> Plan:
    """A plan of a branch where the actor dispatches.

    Raises:
        NotFound: there is none, or it is of a branch the actor has no grant in.
        Forbidden: the actor does not dispatch there.
    """
    query = select(Plan).where(Plan.id == plan_id)
    plan = session.scalars(query.with_for_update() if lock else query, execution_options={"populate_existing": True})
    found = plan.one_or_none()
    if found is None:
        raise NotFound
    actor.must(Permission.DISPATCH, found.branch_id)
    return found


def plans_of(session: Session, branch_id: UUID, day: date, limit: int = 20) -> Sequence[Plan]:
    """The newest plans of a day, newest first."""
    query = select(Plan).where(Plan.branch_id == branch_id, Plan.day == day)
    return session.scalars(query.order_by(Plan.asked_at.desc(), Plan.id.desc()).limit(limit)).all()


def stops_of(session: Session, plan_id: UUID) -> Sequence[PlanStop]:
    """The lines of a plan, locked: accepting twice at once books once."""
    query = select(PlanStop).where(PlanStop.plan_id == plan_id).order_by(PlanStop.planned_start, PlanStop.id)
    return session.scalars(query.with_for_update()).all()


def lines_of(session: Session, plan_id: UUID) -> Sequence[Any]:
    """The lines of a plan with their jobs' and crews' words: refused and changed ones first, then by time."""
    return session.execute(_LINES, {"plan_id": plan_id}).all()


_SHIFTS = text(
    """
    SELECT s.id, s.crew_id, c.code, s.starts_at, s.ends_at,
           ST_X(w.place) AS lon, ST_Y(w.place) AS lat
    FROM shift s JOIN crew c ON c.id = s.crew_id AND c.deleted_at IS NULL
    JOIN branch b ON b.id = s.branch_id
    LEFT JOIN crew_position p ON p.crew_id = c.id
    CROSS JOIN LATERAL (SELECT coalesce(
        p.location::geometry,
        (SELECT ST_Centroid(ST_Collect(l.boundary::geometry)) FROM crew_region r JOIN place l ON l.id = r.place_id
         WHERE r.crew_id = c.id),
        ST_PointOnSurface(b.boundary::geometry)) AS place) w
    WHERE s.branch_id = :branch_id AND s.starts_at >= :start AND s.starts_at < :end AND s.ends_at > :now
    ORDER BY c.code, s.starts_at, s.id
    """
)
_CERTIFICATES = text(
    """
    SELECT DISTINCT m.crew_id, q.skill, q.grade, q.valid_from, q.valid_until
    FROM crew_member m JOIN qualification q ON q.person_id = m.person_id
    WHERE m.branch_id = :branch_id AND m.until IS NULL AND q.valid_from < :end AND q.valid_until > :start
    ORDER BY m.crew_id, q.skill, q.grade, q.valid_from, q.valid_until
    """
)
_VISITS = text(
    """
    SELECT j.id, j.kind, j.priority, j.required_skill, j.window_start, j.window_end, j.due_at, j.premises_id,
           ST_X(j.location::geometry) AS lon, ST_Y(j.location::geometry) AS lat,
           a.id AS booking_id, a.crew_id, a.planned_start, a.planned_end,
           (SELECT max(CASE t.tier WHEN 'vip' THEN 2 WHEN 'key' THEN 1 ELSE 0 END)
            FROM account t WHERE t.premises_id = j.premises_id) AS tier
    FROM job j LEFT JOIN assignment a ON a.job_id = j.id AND a.ended_at IS NULL
    WHERE j.branch_id = :branch_id AND j.deleted_at IS NULL AND (
        j.state = 'planned' AND a.planned_start >= :start AND a.planned_start < :end
        OR j.state = 'new' AND j.kind NOT IN ('outage_repair', 'gas_leak')
           AND (j.window_start IS NULL OR j.window_start < :end)
           AND (j.window_end IS NULL OR j.window_end > greatest(:start, :now)))
    ORDER BY (a.id IS NULL), CASE j.priority WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END,
             coalesce(j.window_end, j.due_at, 'infinity'), j.opened_at, j.id
    LIMIT :most
    """
)
_TAKEN = text(
    """
    SELECT a.crew_id, a.planned_start, a.planned_end
    FROM assignment a
    WHERE a.branch_id = :branch_id AND a.live AND a.ended_at IS NULL
      AND a.planned_start < :end AND a.planned_end > greatest(:start, :now)
    ORDER BY a.crew_id, a.planned_start
    """
)
_KNOWN = text(
    """
    SELECT DISTINCT j.premises_id, a.crew_id
    FROM job j JOIN assignment a ON a.job_id = j.id
    WHERE j.branch_id = :branch_id AND j.premises_id = ANY(:premises_ids)
      AND a.end_reason = 'completed' AND a.ended_at > CAST(:start AS timestamptz) - interval '1 year'
    """
)
_LINES = text(
    """
    SELECT s.job_id, s.change, s.crew_id, s.planned_start, s.planned_end, s.crew_before_id, s.start_before, s.reason,
           s.outcome, s.problem, j.number, j.kind, j.address, j.priority, j.window_start, j.window_end,
           c.code AS crew_code, c.name_zh AS crew_name_zh, c.name_en AS crew_name_en,
           b.code AS crew_before_code, b.name_zh AS crew_before_name_zh, b.name_en AS crew_before_name_en
    FROM plan_stop s JOIN job j ON j.id = s.job_id
    LEFT JOIN crew c ON c.id = s.crew_id LEFT JOIN crew b ON b.id = s.crew_before_id
    WHERE s.plan_id = :plan_id
    ORDER BY CASE s.change WHEN 'refused' THEN 0 WHEN 'moved' THEN 1 WHEN 'new' THEN 2 ELSE 3 END,
             s.planned_start, j.number, s.job_id
    """
)
