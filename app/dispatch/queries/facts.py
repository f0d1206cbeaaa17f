"""What is known of crews at one moment: all of a branch in short, some of them in full; one query each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crews.models import CrewKind
from app.dispatch.ranking import Roster
from app.dispatch.rules import GRADES, LOST_AFTER, CrewFacts, Held
from app.jobs.models import Job, JobState
from app.staff.models import Skill

_GRADE_OF = {rank: grade for grade, rank in GRADES.items()}


def roster(session: Session, job: Job, *, now: datetime) -> Roster:
    """Every crew of the job's branch in short. One JSON text: a thousand rows one by one take ten times as long."""
    params = {"branch_id": job.branch_id, "skill": job.required_skill.value, "now": now, "job_id": job.id}
    params["lost"] = now - LOST_AFTER
    return Roster.of(json.loads(session.execute(_ROSTER, params).scalar_one()))


def crew_facts(
    session: Session, branch_id: UUID, crew_ids: Sequence[UUID], *, skill: Skill, now: datetime
) -> dict[UUID, CrewFacts]:
    """These crews of the branch in full: place, duty, live job, best valid grade for the skill, next visit."""
    params = {"branch_id": branch_id, "skill": skill.value, "now": now, "crew_ids": list(crew_ids)}
    params["lost"] = now - LOST_AFTER
    return {row.id: _facts(row) for row in session.execute(_FACTS, params)}


def _facts(row: Any) -> CrewFacts:
    busy = None if row.job_id is None else Held(row.job_id, row.job_number, JobState(row.job_state))
    return CrewFacts(
        crew_id=row.id,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        kind=CrewKind(row.kind),
        position=None if row.lon is None else (row.lon, row.lat),
        position_at=row.position_at,
        duty_until=row.duty_until,
        busy_with=busy,
        grade=_GRADE_OF[row.grade or 0],
        expired=bool(row.expired),
        next_visit_at=row.visit_at,
        next_visit_number=row.visit_number,
    )


_DUTY = """
    SELECT crew_id, max(ends_at) AS until FROM shift
    WHERE branch_id = :branch_id AND ends_at > :now AND starts_at <= :now {only} GROUP BY crew_id
"""
_SKILLED = """
    SELECT m.crew_id,
           max(CASE q.grade WHEN 'senior' THEN 3 WHEN 'intermediate' THEN 2 ELSE 1 END)
               FILTER (WHERE q.valid_from <= :now AND q.valid_until > :now) AS grade,
           bool_or(q.valid_until <= :now) AS expired
    FROM crew_member m JOIN qualification q ON q.person_id = m.person_id AND q.skill = :skill
    WHERE m.branch_id = :branch_id AND m.until IS NULL {only} GROUP BY m.crew_id
"""
_THESE = "AND crew_id = ANY(:crew_ids)"
_ROSTER = text(
    f"""
    WITH duty AS ({_DUTY.format(only="")}), skilled AS ({_SKILLED.format(only="")}),
    busy AS (SELECT crew_id FROM assignment WHERE branch_id = :branch_id AND live AND ended_at IS NULL),
    declined AS (SELECT DISTINCT ON (crew_id) crew_id, kind FROM crew_alert WHERE job_id = :job_id
                 ORDER BY crew_id, raised_at DESC)
    SELECT coalesce(json_agg(json_build_array(
               c.id, ST_X(p.location::geometry), ST_Y(p.location::geometry), coalesce(s.grade, 0),
               d.crew_id IS NOT NULL AND b.crew_id IS NULL, n.kind) ORDER BY c.code), '[]')::text
    FROM crew c
    LEFT JOIN crew_position p ON p.crew_id = c.id AND p.at > :lost
    LEFT JOIN duty d ON d.crew_id = c.id
    LEFT JOIN skilled s ON s.crew_id = c.id
    LEFT JOIN busy b ON b.crew_id = c.id
    LEFT JOIN declined n ON n.crew_id = c.id
    WHERE c.branch_id = :branch_id AND c.deleted_at IS NULL
    """  # noqa: S608  # fixed fragments; every value is a parameter
)
_FACTS = text(
    f"""
    WITH duty AS ({_DUTY.format(only=_THESE)}), skilled AS ({_SKILLED.format(only=_THESE)}), busy AS (
        SELECT a.crew_id, j.id, j.number, j.state FROM assignment a JOIN job j ON j.id = a.job_id
        WHERE a.crew_id = ANY(:crew_ids) AND a.live AND a.ended_at IS NULL
    ), visit AS (
        SELECT DISTINCT ON (a.crew_id) a.crew_id, a.planned_start, j.number
        FROM assignment a JOIN job j ON j.id = a.job_id
        WHERE a.crew_id = ANY(:crew_ids) AND NOT a.live AND a.ended_at IS NULL AND a.planned_start >= :now
        ORDER BY a.crew_id, a.planned_start
    )
    SELECT c.id, c.code, c.name_zh, c.name_en, c.kind,
           CASE WHEN p.at > :lost THEN ST_X(p.location::geometry) END AS lon,
           CASE WHEN p.at > :lost THEN ST_Y(p.location::geometry) END AS lat, p.at AS position_at,
           d.until AS duty_until, b.id AS job_id, b.number AS job_number, b.state AS job_state,
           s.grade, s.expired, v.planned_start AS visit_at, v.number AS visit_number
    FROM crew c
    LEFT JOIN crew_position p ON p.crew_id = c.id
    LEFT JOIN duty d ON d.crew_id = c.id
    LEFT JOIN skilled s ON s.crew_id = c.id
    LEFT JOIN busy b ON b.crew_id = c.id
    LEFT JOIN visit v ON v.crew_id = c.id
    WHERE c.branch_id = :branch_id AND c.deleted_at IS NULL AND c.id = ANY(:crew_ids)
    """  # noqa: S608  # as above
)
