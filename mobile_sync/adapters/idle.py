"""The answer to a device for which nothing has changed, from one query beside the host's own (SPEC.md L, W11).

Most pulls of a fleet are of this kind. Whatever is not certain goes the long way. A host asks before its routes do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, any_, bindparam, cast, exists, func, select

from mobile_sync.adapters import schemas
from mobile_sync.adapters.bodies import checked_object, unpacked
from mobile_sync.adapters.bulk import Packed
from mobile_sync.adapters.feed_sql import QUIET_FOR
from mobile_sync.adapters.tables import sync_bucket, sync_device_state, sync_entry, sync_epoch, sync_subscription
from mobile_sync.protocol import Bucket, BucketState, Page, PullRequest, SyncProblem
from mobile_sync.wire import read_pull

_PULL = schemas.PullIn()


def idle_request(raw: bytes, coding: str | None) -> PullRequest | None:
    """A pull's body, if nothing in it has to be written down or sent again."""
    try:
        request = read_pull(checked_object(unpacked(raw, coding), _PULL))
    except SyncProblem:
        return None
    told = request.mismatched or request.incidents or request.reading
    return None if told or not request.cursors else request


def idle_columns(device_id: ColumnElement[UUID | None]) -> list[ColumnElement[Any]]:
    """What `idle_page` reads, as columns of a query that has `device_id`. Binds `keys`: the buckets asked for."""
    bucket, sub, state = sync_bucket.c, sync_subscription.c, sync_device_state.c
    mine = (sub.device_id == device_id, sub.until.is_(None))
    dirty = exists().where(sync_entry.c.bucket_id == bucket.id, sync_entry.c.dirty).correlate(sync_bucket)
    held = exists().where(*mine, sub.bucket_id == bucket.id).correlate(sync_bucket, device_id.table)
    told = func.json_build_array(
        bucket.key, bucket.high_seq, bucket.row_count, cast(bucket.checksum, Text), ~dirty & held
    )
    asked = bucket.key == any_(bindparam("keys", type_=Packed("text")))
    return [
        select(sync_epoch.c.epoch).scalar_subquery().label("epoch"),
        select(func.json_agg(told)).where(asked).scalar_subquery().label("buckets"),
        select(func.count()).select_from(sync_subscription).where(*mine).scalar_subquery().label("subscribed"),
        select(state.last_pull_at).where(state.device_id == device_id).scalar_subquery().label("last_pull_at"),
        select(state.cursors).where(state.device_id == device_id).scalar_subquery().label("cursors"),
    ]


def idle_page(
    row: Any, request: PullRequest, buckets: Sequence[Bucket], now: datetime, schema_version: int
) -> Page | None:
    """The page, if the device has exactly its buckets, each to its end, and nothing in them waits for a number."""
    if request.epoch != row.epoch or row.subscribed != len(buckets):
        return None
    if request.cursors.keys() != {bucket.key for bucket in buckets} or len(row.buckets or ()) != len(buckets):
        return None
    found = {key: told for key, *told in row.buckets}
    if not all(still and high == request.cursors[key] for key, (high, _, _, still) in found.items()):
        return None
    states = tuple(
        BucketState(
            bucket.key,
            bucket.priority,
            found[bucket.key][0],
            more=False,
            reset=False,
            row_count=found[bucket.key][1],
            checksum=f"{int(found[bucket.key][2]):016x}",
        )
        for bucket in sorted(buckets, key=lambda bucket: (bucket.priority, bucket.key))
    )
    return Page(row.epoch, now, schema_version, states, (), ())


def is_due(row: Any, request: PullRequest, now: datetime) -> bool:
    """Whether it should be written down where the device stands, or again that it was here."""
    stands_elsewhere = not request.unsent and row.cursors != request.cursors
    return stands_elsewhere or row.last_pull_at is None or row.last_pull_at < now - QUIET_FOR
