"""Verbs of media. Whose job a file belongs to is decided above, where jobs are known."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from shapely.geometry import Point

from app.kernel.actor import Permission
from app.kernel.unit_of_work import UnitOfWork
from app.media import queries, rules
from app.media.events import AttachmentArrived, AttachmentExamined, AttachmentRefused, PreviewArrived
from app.media.images import Examined
from app.media.models import Attachment, AttachmentKind

STUCK_AFTER, STUCK_FOR = timedelta(hours=6), timedelta(days=7)  # a task gives up after about five hours
STUCK_AT_ONCE = 200


@dataclass(frozen=True)
class Declared:
    """What a crew says about a file before its bytes arrive. `taken_at` and `location` are the device's claim."""

    kind: AttachmentKind
    slot: str
    sha256: str
    size_bytes: int
    mime: str
    taken_at: datetime
    location: Point | None = None
    accuracy_m: float | None = None
    signer_name: str | None = None
    strokes: list[Any] | None = None
    preview_sha256: str | None = None


def declare(uow: UnitOfWork, *, attachment_id: UUID, branch_id: UUID, job_id: UUID, declared: Declared) -> Attachment:
    """Record a file of a job; bytes that are here already make it arrive at once.

    Raises:
        Forbidden: the actor does no jobs in the branch.
        FileTypeNotAllowed, FileTooLarge, SignatureWithoutName: it can never be accepted.
    """
    uow.actor.must(Permission.WORK_JOBS, branch_id)
    rules.check_declared(
        kind=declared.kind, mime=declared.mime, size_bytes=declared.size_bytes, signer_name=declared.signer_name
    )
    attachment = Attachment(
        id=attachment_id,
        branch_id=branch_id,
        job_id=job_id,
        person_id=uow.actor.person_id,
        device_id=uow.device_id,
        **vars(declared),
    )
    uow.session.add(attachment)
    queries.hold_content(uow.session, declared.sha256)
    if queries.content_is_here(uow.session, declared.sha256):
        _arrive(uow, attachment)
    elif declared.preview_sha256 and queries.content_is_here(uow.session, declared.preview_sha256):
        uow.emit(PreviewArrived(attachment.id))
    return attachment


def mark_verified(uow: UnitOfWork, *, sha256: str) -> list[Attachment]:
    """The bytes of this hash are here: every record that waited for them has arrived, or can show its preview."""
    queries.hold_content(uow.session, sha256)
    waiting = queries.lock_unverified(uow.session, sha256)
    for attachment in waiting:
        _arrive(uow, attachment)
    for attachment_id in queries.waiting_for_preview(uow.session, sha256):
        uow.emit(PreviewArrived(attachment_id))
    return waiting


def _arrive(uow: UnitOfWork, attachment: Attachment) -> None:
    attachment.verified_at = uow.now
    uow.emit(AttachmentArrived(attachment.id))


def take_back(uow: UnitOfWork, *, attachment: Attachment) -> None:
    """Remove a file from its job; the bytes stay for the record of what was once there."""
    uow.actor.must(Permission.WORK_JOBS, attachment.branch_id)
    attachment.deleted_at = uow.now


def accept(uow: UnitOfWork, *, attachment: Attachment, examined: Examined) -> None:
    """Keep what examination found, what the file says of itself, and the thumbnail."""
    attachment.width_px, attachment.height_px = examined.width_px, examined.height_px
    said, zone = examined.said, ZoneInfo(queries.zone_of(uow.session, attachment.branch_id))
    taken_at = said.taken_at
    attachment.exif_taken_at = taken_at.replace(tzinfo=zone) if taken_at and taken_at.tzinfo is None else taken_at
    attachment.exif_location, attachment.exif_device = said.location, said.device
    attachment.thumbnail_sha256 = _keep(uow, examined.thumbnail)
    uow.emit(AttachmentExamined(attachment.id, attachment.job_id))


def show_preview(uow: UnitOfWork, *, attachment: Attachment, examined: Examined) -> None:
    """Something to look at while the original travels: made again here, as all that is shown."""
    attachment.thumbnail_sha256 = _keep(uow, examined.thumbnail)


def _keep(uow: UnitOfWork, content: bytes) -> str:
    """Bytes of our own making: who collects files that no tablet declared must not take them for such a one."""
    queries.hold_content(uow.session, hashlib.sha256(content).hexdigest())
    return uow.runtime.blobs.put(content)


def in_use(uow: UnitOfWork, hashes: Collection[str]) -> set[str]:
    """Those of these contents that a file's record names, or that somebody has in hand just now; others wait for us."""
    busy = {sha256 for sha256 in sorted(hashes) if not queries.try_to_hold_content(uow.session, sha256)}
    return busy | queries.contents_named(uow.session, hashes)


def examine_stuck(uow: UnitOfWork) -> int:
    """Ask again for the examination of files that arrived long ago and were never looked at; returns how many."""
    stuck = queries.never_examined(
        uow.session, since=uow.now - STUCK_FOR, before=uow.now - STUCK_AFTER, most=STUCK_AT_ONCE
    )
    for attachment_id in stuck:
        uow.emit(AttachmentArrived(attachment_id))
    return len(stuck)


def refuse(uow: UnitOfWork, *, attachment: Attachment, reason: rules.Refusal) -> None:
    """The file is not what it says it is: its slot is empty again, desk and crew see why."""
    attachment.refused = reason.value
    uow.emit(AttachmentRefused(attachment.id, attachment.job_id, reason.value))
