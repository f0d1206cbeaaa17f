"""What happened to a job's records: each version with who wrote it, when, on which tablet, and where."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.kernel.paging import decode_cursor, encode_cursor, time_key, uuid_key
from app.kernel.problems import FieldError, Invalid

MOST_DIGITS = 18  # of a revision that a bigint holds

_HISTORY = text(
    """
    WITH own AS (SELECT 'job' AS entity, CAST(:job AS uuid) AS rec_id
                 UNION ALL SELECT 'form_record', id FROM form_record WHERE job_id = :job
                 UNION ALL SELECT 'attachment', id FROM attachment WHERE job_id = :job),
    p AS (SELECT v.entity, v.rec_id, v.rev, v.deleted, v.server_at,
                 (SELECT coalesce(json_agg(json_build_object('field', c.key, 'old', c.value -> 0, 'new', c.value -> 1)
                                           ORDER BY c.key), '[]') FROM json_each(v.patch) c) AS changes,
                 json_build_object('person_id', v.actor, 'person_name', w.name, 'person_name_en', w.name_en,
                     'device_id', v.device_id, 'device_name', d.name, 'at', coalesce(v.device_at, v.server_at),
                     'clock_error_ms', v.device_clock_error_ms, 'received_at', v.server_at, 'gps', v.gps) AS by
          FROM own JOIN record_version v ON v.entity = own.entity AND v.rec_id = own.rec_id
          LEFT JOIN person w ON w.id = v.actor LEFT JOIN device d ON d.id = v.device_id
          WHERE CAST(:after_at AS timestamptz) IS NULL
                OR (v.server_at, v.rec_id, v.rev) < (:after_at, CAST(:after_id AS uuid), CAST(:after_rev AS bigint))
          ORDER BY v.server_at DESC, v.rec_id DESC, v.rev DESC LIMIT :limit + 1),
    shown AS (SELECT * FROM p ORDER BY server_at DESC, rec_id DESC, rev DESC LIMIT :limit),
    last AS (SELECT server_at, rec_id, rev FROM shown ORDER BY server_at, rec_id, rev LIMIT 1)
    SELECT (SELECT coalesce(json_agg(json_build_object('entity', entity, 'rec_id', rec_id, 'rev', rev,
                                                       'deleted', deleted, 'changes', changes, 'by', by)
                                     ORDER BY server_at DESC, rec_id DESC, rev DESC), '[]')::text FROM shown) AS items,
           (SELECT count(*) FROM p) > :limit AS more, (SELECT server_at FROM last) AS last_at,
           (SELECT rec_id FROM last) AS last_id, (SELECT rev FROM last) AS last_rev
    """
)


def history_json(session: Session, job_id: UUID, *, limit: int, cursor: str | None) -> bytes:
    """A page of versions of the job, its checklist and its files, newest first: the bytes of `{"items", "next"}`.

    One query. The caller has asked whether the job may be seen.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    keys = decode_cursor(cursor, keys=3)
    after = (None, None, None) if keys is None else (time_key(keys[0]), uuid_key(keys[1]), _rev_key(keys[2]))
    bound = dict(zip(("after_at", "after_id", "after_rev"), after, strict=True))
    row = session.execute(_HISTORY, {"job": job_id, "limit": limit, **bound}).one()
    end = f'"{encode_cursor(row.last_at.isoformat(), row.last_id, row.last_rev)}"' if row.more else "null"
    return f'{{"items":{row.items},"next":{end}}}'.encode()


def _rev_key(value: str) -> int:
    if value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
        return int(value)
    raise Invalid(FieldError("cursor", "invalid"))
