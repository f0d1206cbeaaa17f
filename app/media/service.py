"""Verbs of media. Whose job a file belongs to is decided above, where jobs are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shapely.geometry import Point

from app.kernel.actor import Permission
from app.kernel.blobs import Blobs
from app.kernel.unit_of_work import UnitOfWork
from app.media import queries, rules
from app.media.events import AttachmentArrived, AttachmentExamined, AttachmentRefused
from app.media.images import Examined
from app.media.models import Attachment, AttachmentKind


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


def blobs_of(uow: UnitOfWork) -> Blobs:
    """The store of this installation."""
    return Blobs(uow.runtime.settings.blob_root)


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
    if blobs_of(uow).has(declared.sha256):
        _arrive(uow, attachment)
    return attachment


def mark_verified(uow: UnitOfWork, *, sha256: str) -> list[Attachment]:
    """The bytes of this hash are here: every record that waited for them has arrived."""
    queries.hold_content(uow.session, sha256)
    waiting = queries.lock_unverified(uow.session, sha256)
    for attachment in waiting:
        _arrive(uow, attachment)
    return waiting


def _arrive(uow: UnitOfWork, attachment: Attachment) -> None:
    attachment.verified_at = uow.now
    uow.emit(AttachmentArrived(attachment.id))


def take_back(uow: UnitOfWork, *, attachment: Attachment) -> None:
    """Remove a file from its job; the bytes stay for the record of what was once there."""
    uow.actor.must(Permission.WORK_JOBS, attachment.branch_id)
    attachment.deleted_at = uow.now


def accept(uow: UnitOfWork, *, attachment: Attachment, examined: Examined) -> None:
    """Keep what examination found, and the thumbnail."""
    attachment.width_px, attachment.height_px = examined.width_px, examined.height_px
    attachment.thumbnail_sha256 = blobs_of(uow).put(examined.thumbnail)
    uow.emit(AttachmentExamined(attachment.id, attachment.job_id))


def refuse(uow: UnitOfWork, *, attachment: Attachment, reason: rules.Refusal) -> None:
    """The file is not what it says it is: its slot is empty again, desk and crew see why."""
    attachment.refused = reason.value
    uow.emit(AttachmentRefused(attachment.id, attachment.job_id, reason.value))
