"""What a file of a job may be. No database, no Pillow."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from app.kernel.problems import FieldError
from app.media.errors import FileTooLarge, FileTypeNotAllowed, SignatureWithoutName
from app.media.models import MAX_BYTES, AttachmentKind

# Pillow's format names by the type a tablet declares; phones write JPEGs with a second picture inside as MPO.
FORMATS: dict[str, frozenset[str]] = {
    "image/jpeg": frozenset({"JPEG", "MPO"}),
    "image/png": frozenset({"PNG"}),
    "image/webp": frozenset({"WEBP"}),
}
MIMES_BY_KIND: dict[AttachmentKind, frozenset[str]] = {
    AttachmentKind.PHOTO: frozenset(FORMATS),
    AttachmentKind.SIGNATURE: frozenset({"image/png"}),  # drawn by us; SVG would be a program
}
MAX_PIXELS = 50_000_000  # the largest phone sensors crews carry have 50 Mpx
THUMBNAIL_SIDE_PX = 320
THUMBNAIL_MAX_BYTES = 30_000
PREVIEW_KIND = "thumb"  # what a tablet calls the small picture that it sends before the original
PREVIEW_MIME = "image/jpeg"
# Beyond these a reader is told that what the file says of itself is not what the tablet declared.
TIME_APART = timedelta(minutes=15)
DISTANCE_APART_M = 250.0  # and the tablet's own accuracy on top
THUMBNAIL_QUALITIES = (80, 70, 60, 50, 40, 30)


class Refusal(StrEnum):
    """Why a file that has arrived is not accepted."""

    NOT_AN_IMAGE = "not_an_image"
    MISLABELLED = "mislabelled"
    TOO_MANY_PIXELS = "too_many_pixels"
    DAMAGED = "damaged"
    WRONG_SIZE = "wrong_size"


def check_preview(*, mime: str, size_bytes: int) -> None:
    """Refuse a small picture that is not small.

    Raises:
        FileTypeNotAllowed, FileTooLarge
    """
    if mime != PREVIEW_MIME:
        raise FileTypeNotAllowed(FieldError("mime", "choice"), allowed=[PREVIEW_MIME])
    if not 0 < size_bytes <= THUMBNAIL_MAX_BYTES:
        raise FileTooLarge(FieldError("size_bytes", "invalid"), max_bytes=THUMBNAIL_MAX_BYTES)


def check_declared(*, kind: AttachmentKind, mime: str, size_bytes: int, signer_name: str | None) -> None:
    """Refuse what can never be accepted before a byte of it travels.

    Raises:
        FileTypeNotAllowed, FileTooLarge, SignatureWithoutName
    """
    if mime not in MIMES_BY_KIND[kind]:
        raise FileTypeNotAllowed(FieldError("mime", "choice"), allowed=sorted(MIMES_BY_KIND[kind]))
    if not 0 < size_bytes <= MAX_BYTES:
        raise FileTooLarge(FieldError("size_bytes", "invalid"), max_bytes=MAX_BYTES)
    if kind is AttachmentKind.SIGNATURE and not (signer_name or "").strip():
        raise SignatureWithoutName(FieldError("signer_name", "required"))
