"""Reading buckets from PostgreSQL: pages, subscriptions, acknowledged cursors, the live feed (SPEC.md L, S)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from mobile_sync.adapters.entries import bucket_ids, ordered_reads, plan_afresh
from mobile_sync.adapters.epochs import read_epoch
from mobile_sync.adapters.tables import sync_device_state, sync_subscription
from mobile_sync.ledger import BucketRow, EntryRow
from mobile_sync.protocol import Bucket, Device, PullRequest

# `moving`: committed after the last stamp in a way that changes what is sent (it left, or came back). `+ 0` hides the
# condition from the index by seq, which without statistics looks better than the small one of dirty entries.
_BUCKETS = text(
    """
    SELECT b.key, b.high_seq, b.low_seq, b.row_count, b.checksum,
           EXISTS (SELECT FROM sync_entry e WHERE e.bucket_id = b.id AND e.dirty AND e.seq + 0 > 0
                   AND e.gone <> (e.row_hash IS NULL)) AS moving
    FROM sync_bucket b WHERE b.key = ANY(:key)
    """
).bindparams(bindparam("key", type_=ARRAY(Text)))

_ENTRIES = text(
    """
    SELECT e.seq, e.entity, e.rec_id, e.gone FROM sync_entry e
    WHERE e.bucket_id = (SELECT id FROM sync_bucket WHERE key = :key) AND e.seq > :since AND NOT (:fresh AND e.gone)
    ORDER BY e.seq LIMIT :most
    """
)

_COUNT = text(
    """
    SELECT count(*) FROM sync_entry e
    WHERE e.bucket_id = (SELECT id FROM sync_bucket WHERE key = :key) AND e.seq > :since AND NOT (:fresh AND e.gone)
    """
)

_OPEN = text(
    """
    SELECT b.key FROM sync_subscription s JOIN sync_bucket b ON b.id = s.bucket_id
    WHERE s.device_id = :device_id AND s.until IS NULL
    """
)


@dataclass(frozen=True)
class SqlFeed:
    """Reads from one REPEATABLE READ snapshot, which the host opens."""

    session: Session

    def epoch(self) -> str:
        """The server's present life."""
        return read_epoch(self.session)

    def buckets(self, keys: Collection[str]) -> Mapping[str, BucketRow]:
        """All named buckets that exist, one query."""
        plan_afresh(self.session)
        rows = self.session.execute(_BUCKETS, {"key": list(keys)})
        return {
            row.key: BucketRow(row.key, row.high_seq, row.low_seq, row.row_count, int(row.checksum), row.moving)
            for row in rows
        }

    def entries(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        """By seq, from the index."""
        return self._read(key, since, limit, fresh=since == 0)

    def live(self, key: str, *, since: int, limit: int) -> Sequence[EntryRow]:
        """By the same index."""
        return self._read(key, since, limit, fresh=True)

    def _read(self, key: str, since: int, limit: int, *, fresh: bool) -> Sequence[EntryRow]:
        bound = {"key": key, "since": since, "fresh": fresh, "most": limit}
        with ordered_reads(self.session):
            return [EntryRow(*row) for row in self.session.execute(_ENTRIES, bound).all()]

    def count(self, key: str, *, since: int) -> int:
        """By the same index."""
        return int(self.session.execute(_COUNT, {"key": key, "since": since, "fresh": since == 0}).scalar_one())


@dataclass(frozen=True)
class LiveChanges:
    """What a live screen missed. `reset`: it stands outside of what can be told; it must read everything again."""

    entries: Sequence[EntryRow]
    next_seq: int
    reset: bool


def changes_since(session: Session, key: str, seq: int | None, *, limit: int = 1_000) -> LiveChanges:
    """The changes of one bucket above `seq` (None: where it stands). Call `stamp` before, in its own transaction."""
    feed = SqlFeed(session)
    row = feed.buckets([key]).get(key, BucketRow(key))
    if seq is None:
        return LiveChanges((), row.high_seq, reset=False)
    if not row.low_seq <= seq <= row.high_seq:
        return LiveChanges((), row.high_seq, reset=True)
    entries = feed.entries(key, since=seq, limit=limit) if seq < row.high_seq else ()
    return LiveChanges(entries, entries[-1].seq if entries else row.high_seq, reset=False)


def subscribe(
    session: Session, device: Device, buckets: Collection[Bucket], now: datetime, reason: str = "scope"
) -> None:
    """Keep from when to when the device has which buckets; writes only where that changed."""
    wanted = {bucket.key for bucket in buckets}
    held = set(session.scalars(_OPEN, {"device_id": device.id}))
    if wanted - held:
        ids = bucket_ids(session, wanted - held)
        rows = [{"device_id": device.id, "bucket_id": ids[key], "since": now, "reason": reason} for key in sorted(ids)]
        session.execute(upsert(sync_subscription).on_conflict_do_nothing(), rows)
    if held - wanted:
        ids = bucket_ids(session, held - wanted)
        row = sync_subscription.c
        session.execute(
            update(sync_subscription)
            .where(row.device_id == device.id, row.bucket_id.in_(ids.values()), row.until.is_(None))
            .values(until=now)
        )


QUIET_FOR = timedelta(seconds=60)


def acknowledge(session: Session, device_id: UUID, request: PullRequest, now: datetime) -> None:
    """Keep where the device stands, by its last pull with nothing unsent; an idle one writes once a minute at most."""
    row = sync_device_state.c
    values: dict[str, Any] = {"last_pull_at": now, "epoch_seen": request.epoch}
    moved = row.last_pull_at.is_(None) | (row.last_pull_at < now - QUIET_FOR)
    if not request.unsent:
        values["cursors"] = dict(request.cursors)
        moved |= row.cursors.is_distinct_from(values["cursors"])
    if request.report is not None:
        values |= {"report": dict(request.report), "reported_at": now}
    statement = upsert(sync_device_state).values(device_id=device_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=[row.device_id], set_=values, where=moved))
