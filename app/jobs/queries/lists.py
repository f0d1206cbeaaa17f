"""Lists of jobs as JSON made by the database: five times cheaper than rows, schemas and a dump of them.

`schemas.JobOut` stays the contract; `tests/jobs/test_lists.py` holds both against each other.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.jobs.models import JobKind, JobState, Priority
from app.kernel.actor import Actor, Permission
from app.kernel.paging import decode_cursor, encode_cursor, time_key, uuid_key
from app.media.rules import DISTANCE_APART_M, TIME_APART

CSV_LIMIT = 20_000  # rows of one export; a wider question belongs to the reports
ROWS_AT_ONCE = 500  # of an export, between the database and us

JOB_COLUMNS = """
    j.id, j.rev, j.branch_id, j.number, j.kind, j.state, j.priority, j.required_skill, j.address,
    ST_AsGeoJSON(j.location)::json AS location, j.contact_name, j.contact_phone, j.premises_id, j.outage_id,
    j.form_code, j.form_version, j.window_start, j.window_end, j.due_at, j.note, j.finding,
    j.opened_at, j.arrived_at, j.restored_at, j.completed_at,
    CASE WHEN a.id IS NOT NULL THEN json_build_object(
        'id', a.id, 'crew_id', a.crew_id, 'crew_code', c.code, 'crew_name_zh', c.name_zh, 'crew_name_en', c.name_en,
        'live', a.live, 'assigned_at', a.assigned_at, 'planned_start', a.planned_start, 'planned_end', a.planned_end
    ) END AS assignment
"""
JOB_TABLES = """
    job j
    LEFT JOIN assignment a ON a.job_id = j.id AND a.ended_at IS NULL
    LEFT JOIN crew c ON c.id = a.crew_id
"""
OWN_JOBS = """
    (j.branch_id = ANY(:work_branches) AND EXISTS (
        SELECT 1 FROM assignment w JOIN crew_member m ON m.crew_id = w.crew_id
        WHERE w.job_id = j.id AND m.person_id = :person_id AND m.until IS NULL
          AND (w.end_reason IS NULL OR w.end_reason = 'completed')))
"""


@dataclass(frozen=True)
class JobFilter:
    """What a list of jobs shows. `state` is a JobState, or `open` for all that are neither completed nor cancelled."""

    state: str | None = None
    kind: JobKind | None = None
    priority: Priority | None = None
    crew_id: UUID | None = None
    outage_id: UUID | None = None
    q: str | None = None
    opened_from: datetime | None = None
    opened_until: datetime | None = None


def jobs_json(session: Session, actor: Actor, wanted: JobFilter, *, limit: int, cursor: str | None) -> bytes:
    """One page, newest first, as the bytes of `{"items": […], "next": …}`. One query, whatever the page.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    where, params = _conditions(actor, wanted)
    where += _after(cursor, params)
    row = session.execute(_page(tuple(where)), {**params, "limit": limit}).one()
    following = encode_cursor(row.last_at.isoformat(), row.last_id) if row.more else None
    end = "null" if following is None else f'"{following}"'
    return f'{{"items":{row.items},"next":{end}}}'.encode()


@lru_cache(maxsize=256)  # the few ways in which conditions combine; reading the text again costs a tenth of the query
def _page(where: tuple[str, ...]) -> TextClause:
    """One row more than asked for is read: it says whether there is a next page."""
    return text(
        f"""
        WITH p AS (SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE {" AND ".join(where)}
                   ORDER BY j.opened_at DESC, j.id DESC LIMIT :limit + 1),
        shown AS (SELECT * FROM p ORDER BY opened_at DESC, id DESC LIMIT :limit),
        last AS (SELECT opened_at, id FROM shown ORDER BY opened_at, id LIMIT 1)
        SELECT (SELECT coalesce(json_agg(shown), '[]')::text FROM shown) AS items,
               (SELECT count(*) FROM p) > :limit AS more,
               (SELECT opened_at FROM last) AS last_at, (SELECT id FROM last) AS last_id
        """  # noqa: S608  # fixed fragments; every value is a parameter
    )


def _conditions(actor: Actor, wanted: JobFilter) -> tuple[list[str], dict[str, Any]]:
    where, params = _scope(actor)
    if wanted.state == "open":
        where.append("j.state NOT IN ('completed', 'cancelled')")
    elif wanted.state is not None:
        where.append("j.state = :state")
        params["state"] = JobState(wanted.state).value
    for name, column, value in (
        ("kind", "j.kind =", wanted.kind),
        ("priority", "j.priority =", wanted.priority),
        ("crew_id", "a.crew_id =", wanted.crew_id),
        ("outage_id", "j.outage_id =", wanted.outage_id),
        ("opened_from", "j.opened_at >=", wanted.opened_from),
        ("opened_until", "j.opened_at <", wanted.opened_until),
    ):
        if value is not None:
            where.append(f"{column} :{name}")
            params[name] = value
    if wanted.q:
        where.append("(j.number ILIKE :q OR j.address ILIKE :q)")
        params["q"] = f"%{escaped(wanted.q)}%"
    return where, params


def _scope(actor: Actor) -> tuple[list[str], dict[str, Any]]:
    """Deleted jobs are nobody's; one branch is compared with `=`, so that the ordered index serves the page."""
    where = ["j.deleted_at IS NULL"]
    if actor.everything:
        return where, {}
    desk, work = actor.branches_with(Permission.READ_ALL_JOBS), actor.branches_with(Permission.WORK_JOBS)
    params: dict[str, Any] = {}
    reach = []
    if len(desk) == 1:
        reach.append("j.branch_id = :desk_branch")
        params["desk_branch"] = desk[0]
    elif desk:
        reach.append("j.branch_id = ANY(:desk_branches)")
        params["desk_branches"] = desk
    if set(work) - set(desk):
        reach.append(OWN_JOBS)
        params |= {"work_branches": work, "person_id": actor.person_id}
    where.append(f"({' OR '.join(reach)})" if reach else "false")
    return where, params


def _after(cursor: str | None, params: dict[str, Any]) -> list[str]:
    keys = decode_cursor(cursor, keys=2)
    if keys is None:
        return []
    params["after_at"], params["after_id"] = time_key(keys[0]), uuid_key(keys[1])
    return ["(j.opened_at, j.id) < (:after_at, :after_id)"]


def escaped(pattern: str) -> str:
    r"""A text for LIKE in which %, _ and \ mean themselves."""
    return pattern.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def jobs_rows(session: Session, actor: Actor, wanted: JobFilter) -> Generator[dict[str, Any], None, None]:
    """The same jobs as plain rows for an export, newest first, at most `CSV_LIMIT`, fetched as they are taken."""
    where, params = _conditions(actor, wanted)
    query = text(
        f"""
        SELECT j.number, j.kind, j.state, j.priority, j.required_skill, j.address,
               ST_X(j.location::geometry) AS lon, ST_Y(j.location::geometry) AS lat, c.code AS crew,
               j.opened_at, j.due_at, j.arrived_at, j.restored_at, j.completed_at, j.note, j.finding
        FROM {JOB_TABLES} WHERE {" AND ".join(where)}
        ORDER BY j.opened_at DESC, j.id DESC LIMIT {CSV_LIMIT}
        """  # noqa: S608  # fixed fragments; every value is a parameter
    )
    with session.execute(query, params, execution_options={"yield_per": ROWS_AT_ONCE}) as rows:
        for row in rows:
            yield dict(row._mapping)


def timeline_json(session: Session, job_id: UUID) -> str:
    """The job's events, oldest first, as JSON text. The caller has asked whether the job may be seen."""
    return str(session.execute(_TIMELINE, {"job_id": job_id}).scalar_one())


_TIMELINE = text(
    """
    SELECT coalesce(json_agg(e ORDER BY e.at, e.id), '[]')::text
    FROM (SELECT v.id, v.at, v.received_at, v.kind, v.detail, v.person_id, p.name AS person_name,
                 p.name_en AS person_name_en, v.crew_id, c.code AS crew_code, v.device_id
          FROM job_event v LEFT JOIN person p ON p.id = v.person_id LEFT JOIN crew c ON c.id = v.crew_id
          WHERE v.job_id = :job_id) e
    """
)


def attachments_json(session: Session, job_id: UUID) -> str:
    """The job's photos and signatures by slot, as JSON text. The caller has asked whether the job may be seen."""
    return str(session.execute(_ATTACHMENTS, {"job_id": job_id}).scalar_one())


_ATTACHMENTS = text(
    """
    SELECT coalesce(json_agg(t ORDER BY t.kind, t.slot, t.taken_at, t.id), '[]')::text
    FROM (SELECT id, rev, job_id, kind, slot, sha256, size_bytes, mime, taken_at,
                 ST_AsGeoJSON(location)::json AS location, accuracy_m, signer_name, width_px, height_px, person_id,
                 thumbnail_sha256 IS NOT NULL AS has_thumbnail, verified_at, refused,
                 exif_taken_at, ST_AsGeoJSON(exif_location)::json AS exif_location, exif_device,
                 ST_Distance(location, exif_location) AS exif_away_m,
                 array_remove(ARRAY[
                     CASE WHEN abs(extract(epoch FROM exif_taken_at - taken_at)) > :apart_s THEN 'time' END,
                     CASE WHEN ST_Distance(location, exif_location) > :apart_m + coalesce(accuracy_m, 0)
                          THEN 'position' END], NULL) AS differs
          FROM attachment WHERE job_id = :job_id AND deleted_at IS NULL) t
    """
).bindparams(apart_s=TIME_APART.total_seconds(), apart_m=DISTANCE_APART_M)
