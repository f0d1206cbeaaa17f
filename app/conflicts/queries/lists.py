"""The desk's lists of conflicts, as JSON made by the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from app.conflicts.queries.sql import CONFLICT_JSON
from app.kernel.paging import decode_cursor, encode_cursor, time_key, uuid_key

_LIST = text(
    f"""
    WITH p AS ({CONFLICT_JSON} WHERE j.branch_id = ANY(:branches) AND (c.state = 'open') = :open
               AND (CAST(:job AS uuid) IS NULL OR j.id = :job)
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


def conflicts_json(
    session: Session, branch_ids: list[UUID], *, open_: bool, limit: int, cursor: str | None, job_id: UUID | None = None
) -> bytes:
    """A page of conflicts, of all jobs or of one, newest first, as the bytes of `{"items": […], "next": …}`. One query.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    keys = decode_cursor(cursor, keys=2)
    after = (None, None) if keys is None else (time_key(keys[0]), uuid_key(keys[1]))
    params: dict[str, Any] = {"branches": branch_ids, "limit": limit, "open": open_, "job": job_id}
    row = session.execute(_LIST, {**params, "after_at": after[0], "after_id": after[1]}).one()
    end = f'"{encode_cursor(row.last_at.isoformat(), row.last_id)}"' if row.more else "null"
    return f'{{"items":{row.items},"next":{end}}}'.encode()
