"""Files between their declaration and their verification (SPEC.md B1–B8), in a session's transaction. No HTTP here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, exists, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from mobile_sync.adapters.local_store import PartialFiles
from mobile_sync.adapters.tables import blob, blob_ref, sync_entry, sync_subscription, sync_upload
from mobile_sync.blobs import Upload
from mobile_sync.protocol import Device, SyncProblem

KEPT_FOR = timedelta(days=7)


def verified_among(session: Session, hashes: Collection[str]) -> set[str]:
    """Those whose content is here and checked. Who would remove any of them waits until the transaction ends (B11)."""
    wanted = [bytes.fromhex(sha256) for sha256 in hashes]
    query = select(blob.c.sha256, blob.c.state).where(blob.c.sha256.in_(wanted))
    known = session.execute(query.with_for_update(read=True, key_share=True))
    return {sha256.hex() for sha256, state in known if state == "verified"}


def open_uploads(session: Session, device: Device, hashes: Collection[str], now: datetime) -> dict[str, UUID]:
    """The device's unfinished uploads by content hash."""
    row = sync_upload.c
    wanted = [bytes.fromhex(sha256) for sha256 in hashes]
    query = (
        select(row.sha256, row.id)
        .where(row.sha256.in_(wanted), row.device_id == device.id, row.finished_at.is_(None), row.expires_at > now)
        .order_by(row.created_at)
    )
    return {sha256.hex(): upload_id for sha256, upload_id in session.execute(query)}


def create_upload(
    session: Session, device: Device, upload_id: UUID, now: datetime, meta: Mapping[str, str], size: int
) -> Upload:
    """Begin an upload; one whose content is verified already is finished at birth (B4)."""
    known = bool(verified_among(session, [meta["sha256"]]))
    session.execute(
        insert(sync_upload).values(
            id=upload_id,
            sha256=bytes.fromhex(meta["sha256"]),
            size=size,
            mime=meta["mime"],
            kind=meta["kind"],
            device_id=device.id,
            actor=device.person_id,
            offset_bytes=size if known else 0,
            created_at=now,
            expires_at=now + KEPT_FOR,
            finished_at=now if known else None,
        )
    )
    return find_upload(session, device, upload_id, now)


def find_upload(session: Session, device: Device, upload_id: UUID, now: datetime) -> Upload:
    """An upload of this device.

    Raises:
        SyncProblem: `unknown_upload` (404): none, or another device's; `upload_expired` (410).
    """
    row = session.execute(
        select(sync_upload).where(sync_upload.c.id == upload_id, sync_upload.c.device_id == device.id)
    ).one_or_none()
    if row is None:
        raise SyncProblem("unknown_upload", 404)
    upload = _upload(row, now)
    if upload.expired and not upload.finished:
        raise SyncProblem("upload_expired", 410)
    return upload


def _upload(row: Row[Any], now: datetime) -> Upload:
    return Upload(
        id=row.id,
        sha256=row.sha256.hex(),
        size=row.size,
        mime=row.mime,
        kind=row.kind,
        device_id=row.device_id,
        actor=row.actor,
        finished=row.finished_at is not None,
        expired=row.expires_at <= now,
        expires_http=format_datetime(row.expires_at.astimezone(UTC), usegmt=True),
    )


def note_offset(session: Session, upload: Upload, offset: int) -> None:
    """What has arrived; the first bytes make a declared blob `partial` (B2)."""
    session.execute(update(sync_upload).where(sync_upload.c.id == upload.id).values(offset_bytes=offset))
    if offset > 0:
        _set_state(session, upload.sha256, "declared", "partial")


def discard(session: Session, upload: Upload) -> None:
    """The upload ends without its content; the blob is missing again if nobody else is sending it."""
    session.execute(delete(sync_upload).where(sync_upload.c.id == upload.id))
    row = sync_upload.c
    others = exists().where(row.sha256 == bytes.fromhex(upload.sha256), row.finished_at.is_(None), row.offset_bytes > 0)
    if not session.scalar(select(others)):
        _set_state(session, upload.sha256, "partial", "declared")


def _set_state(session: Session, sha256: str, before: str, after: str) -> None:
    row = blob.c
    here = (row.sha256 == bytes.fromhex(sha256), row.state == before)
    session.execute(update(blob).where(*here).values(state=after))


def finish(session: Session, upload: Upload, now: datetime) -> bool:
    """The content is in the store and checked; True if it was not known before."""
    statement = upsert(blob).values(
        sha256=bytes.fromhex(upload.sha256),
        size=upload.size,
        mime=upload.mime,
        kind=upload.kind,
        state="verified",
        declared_at=now,
        verified_at=now,
    )
    first = session.execute(
        statement.on_conflict_do_update(
            index_elements=[blob.c.sha256],
            set_={"state": "verified", "verified_at": now, "size": upload.size},
            where=blob.c.state != "verified",
        ).returning(blob.c.sha256)
    ).one_or_none()
    session.execute(
        update(sync_upload).where(sync_upload.c.id == upload.id).values(finished_at=now, offset_bytes=upload.size)
    )
    return first is not None


def devices_sending(session: Session) -> set[UUID]:
    """Devices with unfinished uploads: the host knows which of them were revoked."""
    return set(session.scalars(select(sync_upload.c.device_id).where(sync_upload.c.finished_at.is_(None)).distinct()))


def expire_uploads(
    session: Session, partial: PartialFiles, now: datetime, *, revoked: Collection[UUID] = (), most: int = 1_000
) -> int:
    """Throw away unfinished uploads past their time, or of revoked devices; returns how many. For the host's scheduler.

    What is verified stays, whoever sent it.
    """
    row = sync_upload.c
    ended = or_(row.expires_at <= now, row.device_id.in_(list(revoked)))
    overdue = select(sync_upload).where(row.finished_at.is_(None), ended).limit(most)
    uploads = [_upload(found, now) for found in session.execute(overdue.with_for_update(skip_locked=True))]
    for upload in uploads:
        partial.drop(upload.id)
        discard(session, upload)
    return len(uploads)


def drop_orphans(session: Session, partial: PartialFiles, now: datetime) -> int:
    """Delete bytes that no unfinished upload owns, left by a crash between disk and database; returns how many files.

    Only files that nothing has written to for as long as an upload is kept: a younger one's row may not be there yet.
    """
    old = partial.untouched_since(now - KEPT_FOR)
    known = select(sync_upload.c.id).where(sync_upload.c.id.in_(list(old)), sync_upload.c.finished_at.is_(None))
    orphans = old - set(session.scalars(known))
    for upload_id in orphans:
        partial.drop(upload_id)
    return len(orphans)


def mime_in_scope(session: Session, device: Device, sha256: str) -> str | None:
    """The type of a verified blob that the device may read (B8): it holds a record naming it, or sent it. Else None."""
    wanted = bytes.fromhex(sha256)
    ref, entry, sub, sent = blob_ref.c, sync_entry.c, sync_subscription.c, sync_upload.c
    named = exists().where(
        ref.sha256 == wanted,
        entry.rec_id == ref.rec_id,
        entry.entity == ref.entity,
        entry.gone.is_(False),
        sub.bucket_id == entry.bucket_id,
        sub.device_id == device.id,
        sub.until.is_(None),
    )
    own = exists().where(sent.sha256 == wanted, sent.device_id == device.id, sent.finished_at.is_not(None))
    query = select(blob.c.mime).where(blob.c.sha256 == wanted, blob.c.state == "verified", or_(named, own))
    return session.scalar(query)


def missing_files(session: Session, entity: str, rec_id: UUID) -> list[tuple[str, str]]:
    """(slot, sha256) of declared files of a record that are not verified yet (B2)."""
    query = (
        select(blob_ref.c.slot, blob.c.sha256)
        .join(blob, blob.c.sha256 == blob_ref.c.sha256)
        .where(blob_ref.c.entity == entity, blob_ref.c.rec_id == rec_id, blob.c.state != "verified")
        .order_by(blob_ref.c.slot)
    )
    return [(slot, sha256.hex()) for slot, sha256 in session.execute(query)]
