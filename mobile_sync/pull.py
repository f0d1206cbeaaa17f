"""pull(): one page of changes from one snapshot (SPEC.md, L and S). Standard library only."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from mobile_sync.collection import Collection, Doc
from mobile_sync.ledger import BucketRow, EntryRow, Feed
from mobile_sync.protocol import READING, Bucket, BucketState, Page, PageChange, PullRequest

log = logging.getLogger(__name__)

Ctx = TypeVar("Ctx")


@dataclass(frozen=True, slots=True)
class _Slice:
    """What a page takes of one bucket."""

    bucket: Bucket
    row: BucketRow
    reset: bool
    entries: Sequence[EntryRow]
    seq: int
    more: bool


@dataclass(frozen=True)
class Puller(Generic[Ctx]):
    """Reads pages. `schema_version` is the shape of the documents; `collections` make them."""

    collections: Mapping[str, Collection[Ctx]]
    schema_version: int

    def page(self, ctx: Ctx, feed: Feed, request: PullRequest, buckets: Sequence[Bucket], server_at: datetime) -> Page:
        """One page inside the snapshot `ctx`, of the buckets the device has (S1)."""
        epoch = feed.epoch()
        own = sorted(buckets, key=lambda bucket: (bucket.priority, bucket.key))
        slices = _slices(feed, own, request, same_life=request.epoch == epoch)
        docs = self._docs(ctx, slices)
        return Page(
            epoch=epoch,
            server_at=server_at,
            schema_version=self.schema_version,
            buckets=tuple(_state(one) for one in slices),
            dropped=tuple(sorted(request.cursors.keys() - {bucket.key for bucket in own})),
            changes=tuple(_change(one.bucket.key, entry, docs) for one in slices for entry in one.entries),
        )

    def _docs(self, ctx: Ctx, slices: Sequence[_Slice]) -> dict[tuple[str, UUID], Doc]:
        wanted: dict[str, set[UUID]] = {}
        for one in slices:
            for entry in one.entries:
                if not entry.gone:
                    wanted.setdefault(entry.entity, set()).add(entry.rec_id)
        return {
            (entity, rec_id): doc
            for entity, ids in wanted.items()
            for rec_id, doc in self.collections[entity].docs(ctx, ids).items()
        }


def _slices(feed: Feed, own: Sequence[Bucket], request: PullRequest, *, same_life: bool) -> list[_Slice]:
    rows = feed.buckets([bucket.key for bucket in own])
    room = request.limit
    slices = []
    for bucket in own:
        row = rows.get(bucket.key, BucketRow(bucket.key))
        since, reset = _start(row, request, same_life=same_life)
        whole = since == 0 or row.key in request.reading
        one = _slice(feed, bucket, row, since, room, reset=reset, whole=whole)
        room -= len(one.entries)
        slices.append(one)
    return slices


def _start(row: BucketRow, request: PullRequest, *, same_life: bool) -> tuple[int, bool]:
    """Where to read from, and whether the device has to sweep (L8, L10); without a cursor there is nothing to sweep."""
    if row.key not in request.cursors:
        return 0, False
    since = request.cursors[row.key]
    too_old = 0 < since < row.low_seq and row.key not in request.reading
    reset = not same_life or since < 0 or since > row.high_seq or too_old or row.key in request.mismatched
    return (0, True) if reset else (since, False)


def _slice(feed: Feed, bucket: Bucket, row: BucketRow, since: int, room: int, *, reset: bool, whole: bool) -> _Slice:
    """`whole`: the bucket is read from the start; until its end the cursor says so, for it may be below `low_seq`."""
    if since == row.high_seq:
        return _Slice(bucket, row, reset, (), since, more=False)
    found = feed.entries(row.key, since=since, limit=room + 1) if room else ()
    if room and len(found) <= room:
        return _Slice(bucket, row, reset, found, row.high_seq, more=False)
    entries = found[:room]
    seq = entries[-1].seq if entries else since
    return _Slice(bucket, row, reset, entries, seq + READING if whole and seq else seq, more=True)


def _state(one: _Slice) -> BucketState:
    still = not one.row.moving and not one.more
    return BucketState(
        key=one.bucket.key,
        priority=one.bucket.priority,
        seq=one.seq,
        more=one.more,
        reset=one.reset,
        row_count=one.row.row_count if still else None,
        checksum=f"{one.row.checksum:016x}" if still else None,
    )


def _change(bucket: str, entry: EntryRow, docs: Mapping[tuple[str, UUID], Doc]) -> PageChange:
    doc = docs.get((entry.entity, entry.rec_id))
    if doc is None and not entry.gone:
        log.warning("a record without a document", extra={"entity": entry.entity, "rec_id": str(entry.rec_id)})
    if doc is None or entry.gone:
        return PageChange(bucket, entry.seq, entry.entity, entry.rec_id, 0, gone=True)
    return PageChange(bucket, entry.seq, entry.entity, entry.rec_id, doc.rev, gone=False, doc=doc.body)
