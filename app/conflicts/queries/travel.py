"""A conflict as a record on tablets: where it goes, and what it says there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from app.conflicts.queries.sql import CONFLICT_JSON, RECORDS
from app.conflicts.rules import KEPT_AFTER_DECISION
from app.kernel.buckets import crew_key, user_key
from mobile_sync.collection import Doc

# Beside the desk: whom it was handed to; where no safety hangs on it author and leaders in the crew that has the job.
_DOC = text(
    f"""
    SELECT q.id, k.rev, (to_jsonb(q) - '{{rev,branch_id,job_location}}'::text[] || jsonb_build_object('deciders', (
             SELECT coalesce(jsonb_agg(DISTINCT d.person_id), '[]') FROM (
               SELECT k.assignee AS person_id WHERE k.assignee IS NOT NULL
               UNION ALL
               SELECT m.person_id FROM assignment a JOIN crew_member m ON m.crew_id = a.crew_id AND m.until IS NULL
               WHERE k.policy <> 'never' AND a.job_id = q.job_id
                 AND (a.ended_at IS NULL OR a.end_reason = 'completed')
                 AND (m.lead OR m.person_id = (q.mine_by ->> 'person_id')::uuid)) d)))::text AS doc
    FROM ({CONFLICT_JSON} WHERE c.id = ANY(:ids)) q JOIN sync_conflict k ON k.id = q.id
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_PLACED = f"""
    SELECT c.id, c.assignee, o.actor AS author, a.crew_id
    FROM {RECORDS}
    LEFT JOIN sync_op o ON o.device_id = c.device_id AND o.op_no = c.op_no
    LEFT JOIN assignment a ON a.job_id = j.id
         AND (a.ended_at IS NULL OR (a.end_reason = 'completed' AND a.ended_at > :since))
    WHERE (c.state = 'open' OR c.resolved_at > :since) AND
"""  # noqa: S608 - composed of constants
_PLACES = text(f"{_PLACED} c.id = ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_PLACES_OF_JOBS = text(
    f"""
    {_PLACED} c.rec_id IN (
        SELECT unnest(CAST(:ids AS uuid[])) UNION ALL SELECT id FROM form_record WHERE job_id = ANY(:ids)
        UNION ALL SELECT id FROM attachment WHERE job_id = ANY(:ids))
    """  # noqa: S608 - composed of constants
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_OPEN_ABOUT = text("SELECT id FROM sync_conflict WHERE rec_id = ANY(:ids) AND state = 'open'").bindparams(
    bindparam("ids", type_=ARRAY(Uuid))
)
_OUTSTAYED = text(
    """
    SELECT DISTINCT c.id FROM sync_entry e JOIN sync_conflict c ON c.id = e.rec_id
    WHERE e.entity = 'conflict' AND NOT e.gone AND c.resolved_at <= :since LIMIT :most
    """
)


def docs_of(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Doc]:
    """The conflicts as tablets know them, `deciders` being the people besides the desk who may decide; one query."""
    rows = session.execute(_DOC, {"ids": sorted(ids)})
    return {row.id: Doc(row.rev, row.doc) for row in rows}


def lock_rev(session: Session, conflict_id: UUID) -> int | None:
    """The conflict's own revision, held until the end of the transaction; None if it never was."""
    query = text("SELECT rev FROM sync_conflict WHERE id = :id FOR UPDATE")
    rev: int | None = session.scalar(query, {"id": conflict_id})
    return rev


def places_of(session: Session, ids: Collection[UUID], now: datetime) -> Mapping[UUID, frozenset[str]]:
    """The buckets of these conflicts: of the crew on the job, of the author, of the one who is to decide. One query.

    What was settled long ago is in none.
    """
    rows = session.execute(_PLACES, {"ids": sorted(ids), "since": now - KEPT_AFTER_DECISION})
    return dict.fromkeys(ids, frozenset[str]()) | _keys(rows)


def places_of_jobs(session: Session, jobs: Collection[UUID], now: datetime) -> Mapping[UUID, frozenset[str]]:
    """The same for all conflicts about these jobs, where they have one."""
    return _keys(session.execute(_PLACES_OF_JOBS, {"ids": sorted(jobs), "since": now - KEPT_AFTER_DECISION}))


def _keys(rows: Iterable[Row[Any]]) -> dict[UUID, frozenset[str]]:
    found: dict[UUID, set[str]] = defaultdict(set)
    for row in rows:
        found[row.id] |= {user_key(person) for person in (row.assignee, row.author) if person is not None}
        found[row.id] |= {crew_key(row.crew_id)} if row.crew_id is not None else set()
    return {conflict_id: frozenset(keys) for conflict_id, keys in found.items()}


def open_about(session: Session, records: Collection[UUID]) -> Iterator[UUID]:
    """Open conflicts about these records."""
    yield from session.scalars(_OPEN_ABOUT, {"ids": sorted(records)})


def outstayed(session: Session, now: datetime, *, most: int = 500) -> Iterator[UUID]:
    """Conflicts that are still on tablets though they were settled too long ago."""
    yield from session.scalars(_OUTSTAYED, {"since": now - KEPT_AFTER_DECISION, "most": most})
