"""The board: crews with duty, position, skills and live job, as JSON made by the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.crews import queries as crews
from app.kernel.actor import Actor, Permission
from app.kernel.paging import decode_cursor, encode_cursor, uuid_key
from app.kernel.problems import NotFound

_COLUMNS = """
    c.id, c.rev, c.branch_id, c.code, c.name_zh, c.name_en, c.kind, c.phone, v.plate AS vehicle_plate,
    ST_AsGeoJSON(p.location)::json AS location, p.at AS position_at, p.accuracy_m,
    extract(epoch FROM CAST(:now AS timestamptz) - p.at)::int AS position_age_s,
    (SELECT max(s.ends_at) FROM shift s
     WHERE s.crew_id = c.id AND s.starts_at <= :now AND s.ends_at > :now) AS duty_until,
    (SELECT json_build_object('id', j.id, 'number', j.number, 'kind', j.kind, 'state', j.state, 'priority', j.priority,
                              'address', j.address, 'assignment_id', a.id, 'assigned_at', a.assigned_at)
     FROM assignment a JOIN job j ON j.id = a.job_id
     WHERE a.crew_id = c.id AND a.live AND a.ended_at IS NULL) AS live_job,
    coalesce((SELECT json_agg(json_build_object('skill', k.skill, 'grade', k.grade) ORDER BY k.skill) FROM (
        SELECT DISTINCT ON (q.skill) q.skill, q.grade
        FROM crew_member m JOIN qualification q ON q.person_id = m.person_id
        WHERE m.crew_id = c.id AND m.until IS NULL AND q.valid_from <= :now AND q.valid_until > :now
        ORDER BY q.skill, CASE q.grade WHEN 'senior' THEN 3 WHEN 'intermediate' THEN 2 ELSE 1 END DESC) k), '[]'::json
    ) AS skills
"""
_TABLES = """
    crew c
    LEFT JOIN crew_position p ON p.crew_id = c.id
    LEFT JOIN vehicle v ON v.id = c.vehicle_id
"""
_PAGE = text(
    f"""
    WITH p AS (SELECT {_COLUMNS} FROM {_TABLES}
               WHERE c.deleted_at IS NULL AND (c.branch_id = ANY(:desk) OR c.id = ANY(:own))
                 AND (CAST(:ids AS uuid[]) IS NULL OR c.id = ANY(:ids))
                 AND (CAST(:after_code AS text) IS NULL OR (c.code, c.id) > (:after_code, CAST(:after_id AS uuid)))
               ORDER BY c.code, c.id LIMIT :limit + 1),
    shown AS (SELECT * FROM p ORDER BY code, id LIMIT :limit),
    last AS (SELECT code, id FROM shown ORDER BY code DESC, id DESC LIMIT 1)
    SELECT (SELECT coalesce(json_agg(shown), '[]')::text FROM shown) AS items,
           (SELECT count(*) FROM p) > :limit AS more,
           (SELECT code FROM last) AS last_code, (SELECT id FROM last) AS last_id
    """  # noqa: S608  # fixed fragments; every value is a parameter
)
_ONE = text(
    f"""
    SELECT to_json(t)::text FROM (
        SELECT {_COLUMNS},
               coalesce((SELECT json_agg(json_build_object('person_id', e.id, 'name', e.name, 'name_en', e.name_en,
                                                           'lead', m.lead) ORDER BY m.lead DESC, e.staff_no)
                         FROM crew_member m JOIN person e ON e.id = m.person_id
                         WHERE m.crew_id = c.id AND m.until IS NULL), '[]'::json) AS members
        FROM {_TABLES} WHERE c.id = :crew_id) t
    """  # noqa: S608  # as above
)


def crews_json(
    session: Session, actor: Actor, *, now: datetime, limit: int, cursor: str | None, ids: list[UUID] | None = None
) -> bytes:
    """Crews the actor may see, by code, as the bytes of `{"items": […], "next": …}`; only `ids` if given."""
    code, last_id = decode_cursor(cursor, keys=2) or (None, None)
    params: dict[str, Any] = {"now": now, "limit": limit, "after_code": code, "after_id": last_id and uuid_key(last_id)}
    row = session.execute(_PAGE, {**params, "ids": ids, "desk": _desk(actor), "own": _own(session, actor)}).one()
    end = f'"{encode_cursor(row.last_code, row.last_id)}"' if row.more else "null"
    return f'{{"items":{row.items},"next":{end}}}'.encode()


def crew_json(session: Session, crew_id: UUID, *, now: datetime) -> bytes:
    """One crew with its members as JSON. The caller has asked whether it may be seen."""
    return str(session.execute(_ONE, {"crew_id": crew_id, "now": now}).scalar_one()).encode()


def may_see_crew(session: Session, actor: Actor, crew_id: UUID) -> int:
    """The revision of a crew the actor may see.

    Raises:
        NotFound: there is none, or it is neither of the actor's branches nor their own.
    """
    crew = crews.get_crew(session, crew_id)
    if not actor.may(Permission.READ_ALL_JOBS, crew.branch_id) and crew.id not in _own(session, actor):
        raise NotFound
    return crew.rev


def _desk(actor: Actor) -> list[UUID]:
    return actor.branches_with(Permission.READ_ALL_JOBS)


def _own(session: Session, actor: Actor) -> list[UUID]:
    works = actor.person_id is not None and bool(actor.branches_with(Permission.WORK_JOBS))
    return crews.crew_ids_of(session, actor.person_id) if works and actor.person_id else []
