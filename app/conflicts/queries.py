"""Reads of conflicts, with the job they are about, who wrote which value, and what the server holds now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from app.conflicts.rules import DUE_OTHERWISE, DUE_WITHIN, Clash
from app.identity.models import Person, RoleGrant
from app.kernel.actor import Actor, Permission
from app.kernel.paging import decode_cursor, encode_cursor, time_key, uuid_key
from app.kernel.problems import NotFound


@dataclass(frozen=True)
class Held:
    """A conflict locked for a decision: its state, its record's revision and branch, and the job it belongs to."""

    clash: Clash
    state: str
    rev: int
    gone: bool
    branch_id: UUID
    job_id: UUID


# A record of any kind leads to its job; what has no job (none so far) would not be shown to anybody.
_RECORDS = """
    sync_conflict c
    LEFT JOIN form_record f ON c.entity = 'form_record' AND f.id = c.rec_id
    LEFT JOIN attachment t ON c.entity = 'attachment' AND t.id = c.rec_id
    JOIN job j ON j.id = CASE c.entity WHEN 'job' THEN c.rec_id WHEN 'form_record' THEN f.job_id ELSE t.job_id END
"""
_REV = "CASE c.entity WHEN 'job' THEN j.rev WHEN 'form_record' THEN f.rev ELSE t.rev END"
_DELETED = "CASE c.entity WHEN 'job' THEN j.deleted_at WHEN 'form_record' THEN f.deleted_at ELSE t.deleted_at END"
_DUE = " ".join(
    [
        "coalesce(c.due_at, c.raised_at + CASE c.policy",
        *(f"WHEN '{policy}' THEN interval '{within.total_seconds():.0f} s'" for policy, within in DUE_WITHIN.items()),
        f"ELSE interval '{DUE_OTHERWISE.total_seconds():.0f} s' END)",
    ]
)

CONFLICT_JSON = f"""
    SELECT c.id, {_REV} AS rev, {_DELETED} IS NOT NULL AS gone, j.branch_id,
           c.entity, c.rec_id, c.field, c.policy, c.state,
           c.base IS NOT NULL AS base_known, c.base, c.theirs, c.mine,
           CASE c.entity WHEN 'job' THEN to_jsonb(j) -> c.field
                         WHEN 'form_record' THEN f.answers -> substr(c.field, length('answers.') + 1) END AS held,
           fm.document -> 'schema' -> 'properties' -> substr(c.field, length('answers.') + 1) AS question,
           c.raised_at, {_DUE} AS due_at, c.assignee AS assignee_id, who.name AS assignee_name,
           c.resolution ->> 'take' AS take, c.resolution -> 'value' AS settled_value,
           c.resolution ->> 'reason' AS reason,
           c.resolved_at, c.resolved_by AS resolved_by_id, settler.name AS resolved_by_name,
           j.id AS job_id, j.number AS job_number, j.kind AS job_kind, j.state AS job_state, j.address AS job_address,
           ST_AsGeoJSON(j.location)::json AS job_location,
           json_build_object('person_id', o.actor, 'person_name', sender.name, 'device_id', c.device_id,
               'device_name', d.name, 'at', o.device_at, 'clock_error_ms', o.clock_error_ms,
               'received_at', o.received_at, 'gps', o.body -> 'gps') AS mine_by,
           (SELECT json_build_object('person_id', v.actor, 'person_name', writer.name, 'device_id', v.device_id,
                'device_name', vd.name, 'at', coalesce(v.device_at, v.server_at),
                'clock_error_ms', v.device_clock_error_ms, 'received_at', v.server_at, 'gps', v.gps)
            FROM record_version v
            LEFT JOIN person writer ON writer.id = v.actor LEFT JOIN device vd ON vd.id = v.device_id
            WHERE v.entity = c.entity AND v.rec_id = c.rec_id AND v.rev <= c.theirs_rev
                  AND (v.patch -> c.field) IS NOT NULL
            ORDER BY v.rev DESC LIMIT 1) AS theirs_by
    FROM {_RECORDS}
    LEFT JOIN form fm ON fm.code = f.form_code AND fm.version = f.form_version
    LEFT JOIN sync_op o ON o.device_id = c.device_id AND o.op_no = c.op_no
    LEFT JOIN person sender ON sender.id = o.actor
    LEFT JOIN device d ON d.id = c.device_id
    LEFT JOIN person who ON who.id = c.assignee
    LEFT JOIN person settler ON settler.id = c.resolved_by
"""  # noqa: S608 - composed of constants

_LIST = text(
    f"""
    WITH p AS ({CONFLICT_JSON} WHERE j.branch_id = ANY(:branches) AND (c.state = 'open') = :open
               AND (CAST(:after_at AS timestamptz) IS NULL
                    OR (c.raised_at, c.id) < (:after_at, CAST(:after_id AS uuid)))
               ORDER BY c.raised_at DESC, c.id DESC LIMIT :limit + 1),
    shown AS (SELECT * FROM p ORDER BY raised_at DESC, id DESC LIMIT :limit),
    last AS (SELECT raised_at, id FROM shown ORDER BY raised_at, id LIMIT 1)
    SELECT (SELECT coalesce(json_agg(shown), '[]')::text FROM shown) AS items,
           (SELECT count(*) FROM p) > :limit AS more,
           (SELECT raised_at FROM last) AS last_at, (SELECT id FROM last) AS last_id
    """  # noqa: S608 - fixed fragments; every value is a parameter
).bindparams(bindparam("branches", type_=ARRAY(Uuid)))

_LOCKED = text(
    f"""
    SELECT c.id, c.entity, c.rec_id, c.field, c.mine, c.state, {_REV} AS rev, {_DELETED} IS NOT NULL AS gone,
           j.branch_id, j.id AS job_id
    FROM {_RECORDS} WHERE c.id = ANY(:ids) ORDER BY c.id FOR UPDATE OF c
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))


def conflicts_json(session: Session, branch_ids: list[UUID], *, open_: bool, limit: int, cursor: str | None) -> bytes:
    """A page of conflicts, newest first, as the bytes of `{"items": […], "next": …}`. One query.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    keys = decode_cursor(cursor, keys=2)
    after = (None, None) if keys is None else (time_key(keys[0]), uuid_key(keys[1]))
    params: dict[str, Any] = {"branches": branch_ids, "limit": limit, "open": open_}
    row = session.execute(_LIST, {**params, "after_at": after[0], "after_id": after[1]}).one()
    end = f'"{encode_cursor(row.last_at.isoformat(), row.last_id)}"' if row.more else "null"
    return f'{{"items":{row.items},"next":{end}}}'.encode()


def lock_conflicts(session: Session, actor: Actor, ids: Collection[UUID]) -> list[Held]:
    """These conflicts, held until the end of the transaction, in one order for everybody.

    Raises:
        NotFound: one of them is not there, or not the actor's to see.
    """
    rows = session.execute(_LOCKED, {"ids": sorted(ids)})
    found = [
        Held(Clash(r.id, r.entity, r.rec_id, r.field, r.mine), r.state, r.rev, r.gone, r.branch_id, r.job_id)
        for r in rows
    ]
    seen = [one for one in found if actor.may(Permission.READ_ALL_JOBS, one.branch_id)]
    if len(seen) != len(set(ids)):
        raise NotFound
    return seen


def can_decide(session: Session, person_id: UUID, branch_id: UUID, roles: Collection[str]) -> bool:
    """Whether this active person holds one of these roles in the branch."""
    query = (
        select(RoleGrant.role)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(Person.id == person_id, Person.active.is_(True), RoleGrant.branch_id == branch_id)
    )
    return any(role in roles for role in session.scalars(query))
