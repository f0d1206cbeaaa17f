"""Photos and signatures on tablets: declared with their job's work, the bytes follow by themselves."""

from __future__ import annotations

from collections.abc import Collection as Ids
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import marshmallow as ma
from shapely.geometry import Point
from sqlalchemy import select

from app.jobs import queries as jobs
from app.jobs.errors import JobClosed, NotYourJob
from app.jobs.models import Job
from app.jobs.rules import CLOSED
from app.kernel.fields import choice, text
from app.kernel.paging import StrictSchema
from app.kernel.problems import FieldError
from app.kernel.unit_of_work import UnitOfWork
from app.media import queries as media
from app.media import service
from app.media.models import Attachment, AttachmentKind
from app.media.rules import PREVIEW_KIND, check_preview
from app.media.service import Declared
from app.sync.collection import RoomCollection
from app.sync.errors import OneFileAnAttachment, TabletMayNot, UnknownSlot
from app.sync.placement import places_of_jobs
from app.sync.reading import corrected, read
from app.sync.values import plain
from mobile_sync.collection import Change, Doc, FieldRule, Policy, Stored
from mobile_sync.protocol import FileRef, Kind, Op

SENT = ("job_id", "kind", "slot", "taken_at", "signer_name", "strokes")
COLUMNS = (
    *("job_id", "kind", "slot", "sha256", "size_bytes", "mime", "taken_at", "location", "accuracy_m", "signer_name"),
    *("width_px", "height_px", "person_id", "device_id", "verified_at", "refused"),
)
MOST_STROKES = 500
SLOT_LISTS = {AttachmentKind.PHOTO: "photo_slots", AttachmentKind.SIGNATURE: "signature_slots"}


class AttachmentIn(StrictSchema):
    """What a tablet says of a file besides the file itself."""

    job_id = ma.fields.UUID(required=True)
    kind = choice(AttachmentKind, required=True)
    slot = text(60, required=True)
    taken_at = ma.fields.AwareDateTime(load_default=None, allow_none=True)
    signer_name = text(80, load_default=None, allow_none=True)
    strokes = ma.fields.List(
        ma.fields.List(ma.fields.List(ma.fields.Float(), validate=ma.validate.Length(2, 4))),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=MOST_STROKES),
    )


class AttachmentCollection(RoomCollection):
    """Made on the tablet, never changed; a crew may take back its own while the job is open."""

    entity = "attachment"
    rules = dict.fromkeys(SENT, FieldRule(Policy.SERVER))
    on_delete = Policy.DEVICE  # what the server adds to a photo is no reason to keep one that its crew takes back

    def stored(self, ctx: UnitOfWork, rec_id: UUID) -> Stored | None:
        """What the tablet said when it made the record."""
        attachment = media.lock_attachment(ctx.session, rec_id)
        if attachment is None:
            return None
        fields = {name: plain(getattr(attachment, name)) for name in SENT}
        return Stored(attachment.rev, fields, deleted=attachment.deleted_at is not None)

    def apply(self, ctx: UnitOfWork, change: Change) -> int:
        """Declare a file of a job that the crew holds, or take it back."""
        if change.kind is Kind.CREATE:
            return self._declare(ctx, change)
        if change.kind is Kind.DELETE:
            return self._take_back(ctx, change)
        raise TabletMayNot(entity=self.entity, kind=change.kind.value)

    def _declare(self, ctx: UnitOfWork, change: Change) -> int:
        sent = read(AttachmentIn(), change.fields)
        job = _held_job(ctx, sent["job_id"])
        _check_slot(ctx, job, sent["kind"], sent["slot"])
        attachment = service.declare(
            ctx,
            attachment_id=change.rec_id,
            branch_id=job.branch_id,
            job_id=job.id,
            declared=_declared(ctx, sent, change.op),
        )
        ctx.session.flush()  # the result shows the revision
        return attachment.rev

    def _take_back(self, ctx: UnitOfWork, change: Change) -> int:
        attachment = media.lock_attachment(ctx.session, change.rec_id)
        if attachment is None:
            raise TabletMayNot(entity=self.entity, kind=change.kind.value)
        _held_job(ctx, attachment.job_id)
        service.take_back(ctx, attachment=attachment)
        ctx.session.flush()  # the result shows the revision
        return attachment.rev

    def docs(self, ctx: UnitOfWork, ids: Ids[UUID]) -> Mapping[UUID, Doc]:
        """The record and how far its bytes have come; never the bytes."""
        query = select(Attachment).where(Attachment.id.in_(ids), Attachment.deleted_at.is_(None))
        return {one.id: Doc(one.rev, attachment_doc(one)) for one in ctx.session.scalars(query)}

    def buckets_of(self, ctx: UnitOfWork, rec_id: UUID) -> frozenset[str]:
        """Its job's."""
        attachment = ctx.session.get(Attachment, rec_id)
        of = [] if attachment is None else [attachment.job_id]
        return places_of_jobs(ctx.session, of, ctx.now).get((self.entity, rec_id), frozenset())


def attachment_doc(attachment: Attachment) -> dict[str, Any]:
    """An attachment as a tablet knows it."""
    return {"id": str(attachment.id), **{name: plain(getattr(attachment, name)) for name in COLUMNS}}


def _held_job(uow: UnitOfWork, job_id: UUID) -> Job:
    """The open job, locked, if the actor's crew holds it.

    Raises:
        NotFound, NotYourJob, JobClosed
    """
    job = jobs.lock_job(uow.session, uow.actor, job_id)
    if job.state in CLOSED:
        raise JobClosed(state=job.state.value)
    if not jobs.hands_of(uow.session, uow.actor, job):
        raise NotYourJob
    return job


def _check_slot(uow: UnitOfWork, job: Job, kind: AttachmentKind, slot: str) -> None:
    document = jobs.form_of(uow.session, code=job.form_code, version=job.form_version).document
    slots = [known["slot"] for known in document.get(SLOT_LISTS[kind], [])]
    if slot not in slots:
        raise UnknownSlot(FieldError("slot", "choice"), slots=slots)


def _declared(uow: UnitOfWork, sent: dict[str, Any], op: Op) -> Declared:
    file, preview = _files(op, sent["slot"])
    gps = op.gps or {}
    return Declared(
        kind=sent["kind"],
        slot=sent["slot"],
        sha256=file.sha256,
        size_bytes=file.size,
        mime=file.mime,
        taken_at=corrected(uow, sent["taken_at"] or op.device_at),
        location=Point(gps["lon"], gps["lat"]) if gps else None,
        accuracy_m=gps.get("accuracy_m"),
        signer_name=sent["signer_name"],
        strokes=sent["strokes"],
        preview_sha256=preview.sha256 if preview else None,
    )


def _files(op: Op, slot: str) -> tuple[FileRef, FileRef | None]:
    """The file itself and, for a photo, its small picture.

    Raises:
        OneFileAnAttachment, FileTypeNotAllowed, FileTooLarge
    """
    previews = [file for file in op.files if file.kind == PREVIEW_KIND]
    files = [file for file in op.files if file.kind != PREVIEW_KIND]
    if len(files) != 1 or len(previews) > 1 or any(file.slot != slot for file in op.files):
        raise OneFileAnAttachment(FieldError("files", "invalid"))
    for preview in previews:
        check_preview(mime=preview.mime, size_bytes=preview.size)
    return files[0], next(iter(previews), None)
