"""Tables of media."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely.geometry import Point
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Revised, by_value
from app.kernel.geo import Shape

MAX_BYTES = 25 * 1024 * 1024  # one photo from a tablet's camera is 3 to 8 MB


class AttachmentKind(StrEnum):
    """What the file is."""

    PHOTO = "photo"
    SIGNATURE = "signature"


class Attachment(Revised):
    """One file of a job. `verified_at` is set when the bytes are here and their hash is right.

    `taken_at`, `location` and `device_id` are what the tablet declared, `exif_…` what the file says of itself: both are
    claims, both are kept. `preview_sha256` is a small picture that travels before the original.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_job_id", "job_id"),
        Index("ix_attachment_sha256", "sha256"),
        Index("ix_attachment_preview_sha256", "preview_sha256", postgresql_where=text("preview_sha256 IS NOT NULL")),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("preview_sha256 ~ '^[0-9a-f]{64}$'", name="preview_sha256"),
        CheckConstraint(f"size_bytes > 0 AND size_bytes <= {MAX_BYTES}", name="size"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("job.id"))
    kind: Mapped[AttachmentKind] = mapped_column(by_value(AttachmentKind, name="kind"))
    slot: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    mime: Mapped[str]
    taken_at: Mapped[datetime]
    location: Mapped[Point | None] = mapped_column(Shape("POINT"))
    accuracy_m: Mapped[float | None]
    signer_name: Mapped[str | None]
    strokes: Mapped[list[Any] | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[UUID | None]
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    thumbnail_sha256: Mapped[str | None]
    preview_sha256: Mapped[str | None]
    exif_taken_at: Mapped[datetime | None]
    exif_location: Mapped[Point | None] = mapped_column(Shape("POINT"))
    exif_device: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    refused: Mapped[str | None]
