"""Shapes of media on the wire."""

from __future__ import annotations

import marshmallow as ma

from app.kernel.fields import PointField
from app.media.models import Attachment, AttachmentKind


def state_of(attachment: Attachment) -> str:
    """How far the file has come."""
    if attachment.refused:
        return "refused"
    if attachment.thumbnail_sha256:
        return "examined"
    return "arrived" if attachment.verified_at else "expected"


class AttachmentOut(ma.Schema):
    """A file of a job. `state`: expected (bytes on their way), arrived, examined, refused."""

    id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    kind = ma.fields.Enum(AttachmentKind, by_value=True, required=True)
    slot = ma.fields.String(required=True)
    state = ma.fields.Function(
        state_of,
        metadata={"type": "string", "enum": ["expected", "arrived", "examined", "refused"]},
    )
    refused = ma.fields.String(allow_none=True)
    sha256 = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)
    mime = ma.fields.String(required=True)
    width_px = ma.fields.Integer(allow_none=True)
    height_px = ma.fields.Integer(allow_none=True)
    taken_at = ma.fields.AwareDateTime(required=True)
    location = PointField(allow_none=True)
    accuracy_m = ma.fields.Float(allow_none=True)
    signer_name = ma.fields.String(allow_none=True)
    verified_at = ma.fields.AwareDateTime(allow_none=True)


class AttachmentList(ma.Schema):
    """The files of one job; never so many that they need pages."""

    items = ma.fields.List(ma.fields.Nested(AttachmentOut), required=True)
    next = ma.fields.String(allow_none=True)
