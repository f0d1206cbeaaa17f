"""Doors to files: the bytes, the thumbnail. The list of a job's files is at the job's own door."""

from __future__ import annotations

import logging
from uuid import UUID

from flask import Response

from app.kernel.web import Blueprint, current_uow
from app.media import queries
from app.media.errors import FileNotHere, StoreAway
from mobile_sync.adapters.serving import send_stored
from mobile_sync.blobs import StoreUnavailable

log = logging.getLogger(__name__)

blp = Blueprint("media", __name__, url_prefix="/api/v1", description="Photos and signatures of jobs")

THUMBNAIL_MIME = "image/jpeg"
BYTES = {"type": "string", "format": "binary"}


@blp.get("/attachments/<uuid:attachment_id>/content")
@blp.response(200, BYTES, content_type="image/*")
def download_attachment(attachment_id: UUID) -> Response:
    """The bytes as they were taken; a refused file only as a download"""
    uow = current_uow()
    attachment = queries.get_attachment(uow.session, uow.actor, attachment_id, uow.now)
    if attachment.verified_at is None:
        raise FileNotHere
    return _send(attachment.sha256, attachment.mime, inline=attachment.refused is None)


@blp.get("/attachments/<uuid:attachment_id>/thumbnail")
@blp.response(200, BYTES, content_type=THUMBNAIL_MIME)
def download_thumbnail(attachment_id: UUID) -> Response:
    """A small JPEG, upright, without metadata"""
    uow = current_uow()
    attachment = queries.get_attachment(uow.session, uow.actor, attachment_id, uow.now)
    if attachment.thumbnail_sha256 is None:
        raise FileNotHere
    return _send(attachment.thumbnail_sha256, THUMBNAIL_MIME, inline=True)


def _send(sha256: str, mime: str, *, inline: bool) -> Response:
    """Bytes that strangers sent: never sniffed, never run, never kept by a shared cache."""
    try:
        content = current_uow().runtime.blobs.open(sha256)
    except StoreUnavailable as error:
        log.warning("the object store did not answer", extra={"error": str(error)})
        raise StoreAway from error
    except FileNotFoundError as error:
        raise FileNotHere from error
    shown = mime if inline else "application/octet-stream"
    response = send_stored(content, sha256, mime=shown, as_attachment=not inline, name=sha256[:16])
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.cache_control.max_age = 300
    return response
