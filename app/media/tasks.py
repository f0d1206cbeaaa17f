"""What follows when a file has arrived."""

from __future__ import annotations

import logging
import os
from uuid import UUID

from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork
from app.media import queries, service
from app.media.images import ImageRefused, examine
from app.media.models import Attachment
from app.media.rules import PREVIEW_MIME, Refusal

log = logging.getLogger(__name__)


@task
def examine_photo(uow: UnitOfWork, *, attachment_id: str) -> None:
    """Look whether a file is the image it was declared to be; keep its size and a thumbnail, or refuse it."""
    attachment = queries.lock_attachment(uow.session, UUID(attachment_id))
    if attachment is None or attachment.deleted_at or attachment.refused or attachment.width_px:
        return
    try:
        with uow.runtime.blobs.open(attachment.sha256) as content:
            if content.seek(0, os.SEEK_END) != attachment.size_bytes:
                raise ImageRefused(Refusal.WRONG_SIZE)
            content.seek(0)
            service.accept(uow, attachment=attachment, examined=examine(content, mime=attachment.mime))
    except ImageRefused as refused:
        _note(attachment, refused.reason)
        service.refuse(uow, attachment=attachment, reason=refused.reason)


@task
def show_preview(uow: UnitOfWork, *, attachment_id: str) -> None:
    """Show the small picture of a photo that is still on its way; one that is no picture is left alone."""
    attachment = queries.lock_attachment(uow.session, UUID(attachment_id))
    if attachment is None or attachment.deleted_at or attachment.thumbnail_sha256 or not attachment.preview_sha256:
        return
    try:
        with uow.runtime.blobs.open(attachment.preview_sha256) as content:
            found = examine(content, mime=PREVIEW_MIME)
    except ImageRefused as refused:
        _note(attachment, refused.reason)
        return
    service.show_preview(uow, attachment=attachment, examined=found)


def _note(attachment: Attachment, reason: Refusal) -> None:
    log.warning("file refused", extra={"attachment_id": str(attachment.id), "reason": reason.value})
