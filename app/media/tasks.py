"""What follows when a file has arrived."""

from __future__ import annotations

import logging
from uuid import UUID

from app.kernel.tasks import task
from app.kernel.unit_of_work import UnitOfWork
from app.media import queries, service
from app.media.images import ImageRefused, examine
from app.media.models import Attachment
from app.media.rules import Refusal

log = logging.getLogger(__name__)


@task
def examine_photo(uow: UnitOfWork, *, attachment_id: str) -> None:
    """Look whether a file is the image it was declared to be; keep its size and a thumbnail, or refuse it."""
    attachment = queries.lock_attachment(uow.session, UUID(attachment_id))
    if attachment is None or attachment.deleted_at or attachment.refused or attachment.thumbnail_sha256:
        return
    path = service.blobs_of(uow).path(attachment.sha256)
    try:
        if path.stat().st_size != attachment.size_bytes:
            raise ImageRefused(Refusal.WRONG_SIZE)
        service.accept(uow, attachment=attachment, examined=examine(path, mime=attachment.mime))
    except ImageRefused as refused:
        _note(attachment, refused.reason)
        service.refuse(uow, attachment=attachment, reason=refused.reason)


def _note(attachment: Attachment, reason: Refusal) -> None:
    log.warning("file refused", extra={"attachment_id": str(attachment.id), "reason": reason.value})
