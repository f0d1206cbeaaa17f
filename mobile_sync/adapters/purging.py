"""Forgetting old exits (SPEC.md T3, T4): never one that a device may still need which has the bucket and is alive."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

# What a device has confirmed is the cursor it asked from with nothing unsent; one that has the bucket and has confirmed
# nothing is at 0. One that lost the bucket is waited for until it has asked without it: it may not have heard.
_PURGE = text(
    """
    WITH behind AS (
      SELECT s.bucket_id, min(CASE WHEN jsonb_typeof(d.cursors -> b.key) = 'number'
                                   THEN (d.cursors ->> b.key)::bigint ELSE 0 END) AS seq
      FROM sync_subscription s JOIN sync_bucket b ON b.id = s.bucket_id
      JOIN sync_device_state d ON d.device_id = s.device_id
      WHERE (s.until IS NULL OR d.cursors ? b.key) AND d.last_pull_at >= :silent_since GROUP BY s.bucket_id),
    forgotten AS (
      DELETE FROM sync_entry e USING sync_bucket b LEFT JOIN behind ON behind.bucket_id = b.id
      WHERE e.bucket_id = b.id AND e.gone AND NOT e.dirty AND e.gone_at < :before
        AND e.seq <= coalesce(behind.seq, b.high_seq)
      RETURNING e.bucket_id, e.seq),
    lowest AS (SELECT bucket_id, max(seq) AS seq, count(*) AS n FROM forgotten GROUP BY bucket_id),
    raised AS (
      UPDATE sync_bucket b SET low_seq = greatest(b.low_seq, lowest.seq)
      FROM lowest WHERE b.id = lowest.bucket_id RETURNING lowest.n)
    SELECT coalesce(sum(n), 0)::bigint FROM raised
    """
)


def purge_exits(session: Session, before: datetime, silent_since: datetime) -> int:
    """Delete the exits of before `before` that nobody needs, and raise `low_seq`; returns how many.

    A device that has not pulled since `silent_since`, two days ago or earlier (L14), is not waited for: its buckets are
    reset when it comes back (L8).
    In a READ COMMITTED transaction of its own, for the host's scheduler. Keep them for months: they are also how the
    server knows what a device held when work was done offline (S5).
    """
    return int(session.execute(_PURGE, {"before": before, "silent_since": silent_since}).scalar_one())
