"""The truth of a server over PostgreSQL, read from its tables."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from mobile_sync.adapters.tables import (
    blob,
    blob_ref,
    record_version,
    sync_bucket,
    sync_conflict,
    sync_entry,
    sync_op,
    sync_subscription,
)
from mobile_sync.blobs import ObjectStore
from mobile_sync.simulation import shop
from mobile_sync.simulation.faults import Violation
from mobile_sync.simulation.postgres_app import thing
from mobile_sync.simulation.truth import ContestRow, LedgerRow, RecordRow, Truth, VersionRow


def _record(row: Any) -> RecordRow:
    buckets = frozenset() if row.deleted else frozenset(shop.placed(row.fields))
    return RecordRow(row.rev, row.fields, row.deleted, buckets)


def rows_in(session: Session, buckets: frozenset[str]) -> dict[str, RecordRow]:
    """Live records of these buckets, by the predicate."""
    rows = {f"{shop.ENTITY}/{row.id}": _record(row) for row in session.execute(select(thing))}
    return {key: row for key, row in rows.items() if not row.deleted and row.buckets & buckets}


def long_reader(sessions: sessionmaker[Session]) -> Session:
    """Somebody with a long report: has read everything in one snapshot and does not go."""
    session = sessions()
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    for table in (thing, sync_bucket, sync_entry, sync_op, record_version):
        session.execute(select(table)).all()
    return session


def open_subscriptions(session: Session, device_id: UUID) -> frozenset[str]:
    """Bucket keys."""
    sub = sync_subscription.c
    query = select(sync_bucket.c.key).join(sync_subscription, sub.bucket_id == sync_bucket.c.id)
    return frozenset(session.scalars(query.where(sub.device_id == device_id, sub.until.is_(None))))


def truth_of(session: Session, store: ObjectStore) -> Truth:
    """Everything there is."""
    blobs = {row.sha256.hex(): row.state for row in session.execute(select(blob.c.sha256, blob.c.state))}
    return Truth(
        records={f"{shop.ENTITY}/{row.id}": _record(row) for row in session.execute(select(thing))},
        versions=_versions(session),
        ledger={
            (row.device_id, row.op_no): LedgerRow(row.body, row.status, row.result)
            for row in session.execute(select(sync_op))
        },
        contests=[
            ContestRow(row.id, row.device_id, f"{row.entity}/{row.rec_id}", row.field, row.mine, row.state)
            for row in session.execute(select(sync_conflict).order_by(sync_conflict.c.id))
        ],
        members=_members(session),
        declared={
            (f"{row.entity}/{row.rec_id}", row.slot, row.sha256.hex()): row.device_id
            for row in session.execute(select(blob_ref))
        },
        blobs=blobs,
        contents={sha256: b"" for sha256, state in blobs.items() if state == "verified" and store.has(sha256)},
    )


def _versions(session: Session) -> dict[str, list[VersionRow]]:
    found: dict[str, list[VersionRow]] = {}
    one = record_version.c
    for row in session.execute(select(record_version).order_by(one.entity, one.rec_id, one.rev)):
        version = VersionRow(row.rev, row.patch, row.device_id, row.op_no)
        found.setdefault(f"{row.entity}/{row.rec_id}", []).append(version)
    return found


def _members(session: Session) -> dict[str, frozenset[str]]:
    entry = sync_entry.c
    query = select(sync_bucket.c.key, entry.entity, entry.rec_id).join(sync_entry, entry.bucket_id == sync_bucket.c.id)
    held: dict[str, set[str]] = {}
    for key, entity, rec_id in session.execute(query.where(entry.gone.is_(False))):
        held.setdefault(key, set()).add(f"{entity}/{rec_id}")
    return {key: frozenset(keys) for key, keys in held.items()}


def check_store(session: Session, store: ObjectStore) -> None:
    """Every verified file reads back as its hash says (I18)."""
    for sha256 in session.scalars(select(blob.c.sha256).where(blob.c.state == "verified")):
        with store.open(sha256.hex()) as content:
            if hashlib.sha256(content.read()).digest() != sha256:
                raise Violation("I18", f"{sha256.hex()} is verified, and is another file")
