"""Seqs given after commit, per bucket, by whoever pulls (SPEC.md L3); loading and rebuilding buckets in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Text

from mobile_sync.adapters.entries import bucket_ids, index_lookups

LOCK_SPACE = 0x53594E43  # "SYNC": the first of the two numbers of our advisory locks
MOST_AT_ONCE = 5_000

# The same hash in SQL as replica.row_hash, signed.
_HASH = """('x' || encode(substring(sha256(convert_to({entity} || '/' || {rec_id}::text || '@' || ({seq})::text,
           'UTF8')) FROM 1 FOR 8), 'hex'))::bit(64)::bigint"""
_STAMPED_HASH = _HASH.format(entity="e.entity", rec_id="e.rec_id", seq="bucket.high_seq + l.n")
_ADDED = """mod(mod(b.checksum + sums.hashes, 18446744073709551616) + 18446744073709551616, 18446744073709551616)"""

_DIRTY = text(
    """
    SELECT b.id FROM sync_bucket b
    WHERE b.key = ANY(:key) AND EXISTS (SELECT FROM sync_entry e WHERE e.bucket_id = b.id AND e.dirty)
    ORDER BY b.id
    """
).bindparams(bindparam("key", type_=ARRAY(Text)))

_LOCK = text("SELECT pg_advisory_xact_lock(:space, CAST(:id AS int))")
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:space, CAST(:id AS int))")

# Committed dirty entries that nobody is writing are numbered behind the bucket's end. Rows are found again by ctid
# through an array of unknown length: a join would be planned by statistics that may not exist. No condition there that
# an index could answer: the planner would read all that is dirty again for each row, 25,000,000 rows for 5,000.
_STAMP = text(
    f"""
    WITH taken AS MATERIALIZED (
      SELECT array_agg(t.tid) AS tids, array_agg(t.hash) AS hashes FROM (
        SELECT ctid AS tid, row_hash AS hash FROM sync_entry WHERE bucket_id = :id AND dirty
        LIMIT :most FOR UPDATE SKIP LOCKED) t),
    bucket AS MATERIALIZED (SELECT high_seq FROM sync_bucket WHERE id = :id),
    moved AS (
      UPDATE sync_entry e
      SET seq = bucket.high_seq + l.n, dirty = false,
          row_hash = CASE WHEN NOT e.gone THEN {_STAMPED_HASH} END
      FROM taken, bucket, unnest(taken.tids, taken.hashes) WITH ORDINALITY AS l(tid, hash, n)
      WHERE e.ctid = l.tid AND e.dirty IS NOT FALSE
      RETURNING e.seq, e.row_hash AS new_hash, l.hash AS old_hash),
    sums AS (
      SELECT count(*) AS n, max(seq) AS top, count(new_hash) - count(old_hash) AS added,
             coalesce(sum(new_hash), 0) - coalesce(sum(old_hash), 0) AS hashes FROM moved)
    UPDATE sync_bucket b
    SET high_seq = sums.top, row_count = b.row_count + sums.added,
        checksum = {_ADDED}
    FROM sums WHERE b.id = :id AND sums.n > 0
    RETURNING sums.n
    """  # noqa: S608 - composed of constants
)


def stamp(session: Session, keys: Collection[str], *, wait: bool = False) -> int:
    """Number what is committed and unnumbered in these buckets; returns how many entries.

    In a READ COMMITTED transaction of its own, committed at once by the caller. `wait`: be sure that all committed
    before this call is numbered (a bootstrap); otherwise a bucket that someone else is numbering is left to them.
    """
    with index_lookups(session):
        dirty = session.scalars(_DIRTY, {"key": list(keys)}).all()
        return sum(_stamp_bucket(session, bucket_id, wait=wait) for bucket_id in dirty)


def _stamp_bucket(session: Session, bucket_id: int, *, wait: bool) -> int:
    locked = session.scalar(_LOCK if wait else _TRY_LOCK, {"space": LOCK_SPACE, "id": bucket_id})
    if locked is False:
        return 0
    total = 0
    while True:
        moved = session.scalar(_STAMP, {"id": bucket_id, "most": MOST_AT_ONCE}) or 0
        total += moved
        if moved < MOST_AT_ONCE:
            return total


def seed_entries(session: Session, source: str, params: Mapping[str, Any] | None = None) -> int:
    """Enter bulk-loaded records, numbered at once; returns how many entries are new.

    `source`: a SELECT of trusted text yielding (bucket_key text, entity text, rec_id uuid), with `params` bound.
    Entries that exist are left as they are.
    """
    bound = dict(params or {})
    session.execute(
        text(f"INSERT INTO sync_bucket (key) SELECT DISTINCT bucket_key FROM ({source}) s ON CONFLICT DO NOTHING"),  # noqa: S608
        bound,
    )
    ids = session.scalars(
        text(f"SELECT b.id FROM sync_bucket b WHERE b.key IN (SELECT bucket_key FROM ({source}) s) ORDER BY b.id"),  # noqa: S608
        bound,
    ).all()
    for bucket_id in ids:
        session.scalar(_LOCK, {"space": LOCK_SPACE, "id": bucket_id})
    return int(session.execute(text(_seeding(source)), bound).scalar_one())


def _seeding(source: str) -> str:
    hashed = _HASH.format(entity="n.entity", rec_id="n.rec_id", seq="n.seq")
    return f"""
    WITH numbered AS (
      SELECT b.id AS bucket_id, s.entity, s.rec_id,
             b.high_seq + row_number() OVER (PARTITION BY b.id ORDER BY s.entity, s.rec_id) AS seq
      FROM (SELECT DISTINCT bucket_key, entity, rec_id FROM ({source}) q) s JOIN sync_bucket b ON b.key = s.bucket_key),
    entered AS (
      INSERT INTO sync_entry (bucket_id, entity, rec_id, seq, dirty, row_hash)
      SELECT n.bucket_id, n.entity, n.rec_id, n.seq, false, {hashed} FROM numbered n
      ON CONFLICT DO NOTHING RETURNING bucket_id, seq, row_hash),
    sums AS (SELECT bucket_id, count(*) AS n, max(seq) AS top, sum(row_hash) AS hashes FROM entered GROUP BY bucket_id),
    counted AS (
      UPDATE sync_bucket b
      SET high_seq = sums.top, row_count = b.row_count + sums.n,
          checksum = {_ADDED}
      FROM sums WHERE b.id = sums.bucket_id RETURNING sums.n)
    SELECT coalesce(sum(n), 0)::bigint FROM counted
    """  # noqa: S608 - the source is the application's own text


_REBUILT_OUT = """
    UPDATE sync_entry e SET dirty = true, gone = true, gone_at = now()
    WHERE e.bucket_id = ANY(:bucket_id) AND NOT e.gone AND NOT EXISTS (
      SELECT FROM ({source}) s JOIN sync_bucket b ON b.key = s.bucket_key
      WHERE b.id = e.bucket_id AND s.entity = e.entity AND s.rec_id = e.rec_id)
"""
_REBUILT_IN = """
    INSERT INTO sync_entry AS e (bucket_id, entity, rec_id)
    SELECT DISTINCT b.id, s.entity, s.rec_id FROM ({source}) s JOIN sync_bucket b ON b.key = s.bucket_key
    WHERE b.id = ANY(:bucket_id)
    ON CONFLICT (bucket_id, entity, rec_id) DO UPDATE SET dirty = true, gone = false, gone_at = NULL WHERE e.gone
"""


def rebuild(session: Session, keys: Collection[str], source: str, params: Mapping[str, Any] | None = None) -> int:
    """Make these buckets hold exactly what `source` (see `seed_entries`) yields; returns the entries that changed."""
    ids = {"bucket_id": sorted(bucket_ids(session, keys).values()), **dict(params or {})}
    changed = 0
    for statement in (_REBUILT_OUT, _REBUILT_IN):
        bound = text(statement.format(source=source)).bindparams(bindparam("bucket_id", type_=ARRAY(BigInteger)))
        changed += session.execute(bound, ids).rowcount  # type: ignore[attr-defined]
    return changed
