"""pull(): one page of changes from one snapshot (SPEC.md, L and S). Standard library only."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class _View:
    """What all pages of one snapshot have in common. `fresh`: buckets of which this snapshot sends all there is."""

    feed: Feed
    epoch: str
    own: Sequence[Bucket]
    rows: Mapping[str, BucketRow]
    fresh: frozenset[str] = frozenset()

    @classmethod
    def of(cls, feed: Feed, buckets: Sequence[Bucket]) -> _View:
        """Of the snapshot that `feed` reads."""
        own = sorted(buckets, key=lambda bucket: (bucket.priority, bucket.key))
        return cls(feed, feed.epoch(), own, feed.buckets([bucket.key for bucket in own]))

    def row(self, bucket: Bucket) -> BucketRow:
        """The bucket, also if it never had a record."""
        return self.rows.get(bucket.key, BucketRow(bucket.key))

    def start(self, bucket: Bucket, request: PullRequest) -> tuple[int, bool]:
        """Where to read from, and whether the device has to sweep (L8)."""
        return _start(self.row(bucket), request, same_life=request.epoch == self.epoch)


@dataclass(frozen=True)
class Puller(Generic[Ctx]):
    """Reads pages. `schema_version` is the shape of the documents; `collections` make them."""

    collections: Mapping[str, Collection[Ctx]]
    schema_version: int

    def page(self, ctx: Ctx, feed: Feed, request: PullRequest, buckets: Sequence[Bucket], server_at: datetime) -> Page:
        """One page inside the snapshot `ctx`, of the buckets the device has (S1)."""
        return self._page(ctx, _View.of(feed, buckets), request, server_at)

    def pages(
        self, ctx: Ctx, feed: Feed, request: PullRequest, buckets: Sequence[Bucket], server_at: datetime
    ) -> Iterator[Page]:
        """All pages to the end, of one and the same snapshot, each saying how much is left behind it (L13)."""
        view = _View.of(feed, buckets)
        starts = {bucket.key: view.start(bucket, request)[0] for bucket in view.own}
        view = replace(view, fresh=frozenset(key for key, since in starts.items() if since == 0))
        left = sum(feed.count(key, since=since) for key, since in starts.items())
        more = True
        while more:
            page = self._page(ctx, view, request, server_at)
            left -= len(page.changes)
            yield replace(page, left=left)
            more = any(state.more for state in page.buckets)
            request = _behind(page, request)

    def _page(self, ctx: Ctx, view: _View, request: PullRequest, server_at: datetime) -> Page:
        slices = _slices(view, request)
        docs = self._docs(ctx, slices)
        return Page(
            epoch=view.epoch,
            server_at=server_at,
            schema_version=self.schema_version,
            buckets=tuple(_state(one) for one in slices),
            dropped=tuple(sorted(request.cursors.keys() - {bucket.key for bucket in view.own})),
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


def _slices(view: _View, request: PullRequest) -> list[_Slice]:
    room = request.limit
    slices = []
    for bucket in view.own:
        since, reset = view.start(bucket, request)
        one = _slice(view, bucket, since, room, reset=reset, whole=since == 0 or bucket.key in request.reading)
        room -= len(one.entries)
        slices.append(one)
    return slices


def _behind(page: Page, request: PullRequest) -> PullRequest:
    """What a device that has this page asks next."""
    reading = frozenset(state.key for state in page.buckets if state.seq >= READING)
    cursors = {state.key: state.seq - READING if state.key in reading else state.seq for state in page.buckets}
    return replace(request, epoch=page.epoch, cursors=cursors, reading=reading, mismatched=frozenset())


def _start(row: BucketRow, request: PullRequest, *, same_life: bool) -> tuple[int, bool]:
    """Where to read from, and whether the device has to sweep (L8, L10); without a cursor there is nothing to sweep."""
    if row.key not in request.cursors:
        return 0, False
    since = request.cursors[row.key]
    too_old = 0 < since < row.low_seq and row.key not in request.reading
    reset = not same_life or since < 0 or since > row.high_seq or too_old or row.key in request.mismatched
    return (0, True) if reset else (since, False)


def _slice(view: _View, bucket: Bucket, since: int, room: int, *, reset: bool, whole: bool) -> _Slice:
    """`whole`: the bucket is read from the start; until its end the cursor says so, for it may be below `low_seq`."""
    row = view.row(bucket)
    read = view.feed.live if bucket.key in view.fresh else view.feed.entries
    if since == row.high_seq:
        return _Slice(bucket, row, reset, (), since, more=False)
    found = read(row.key, since=since, limit=room + 1) if room else ()
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
