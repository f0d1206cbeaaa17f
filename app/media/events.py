"""What happened to files."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from app.kernel.outbox import Event


@dataclass(frozen=True)
class AttachmentArrived(Event):
    """All bytes of a job's file are here and their hash is right."""

    attachment_id: UUID


@dataclass(frozen=True)
class PreviewArrived(Event):
    """The small picture of a photo is here, the photo itself is still on its way."""

    attachment_id: UUID


@dataclass(frozen=True)
class AttachmentExamined(Event):
    """The file is what it says it is; width, height and thumbnail are known."""

    attachment_id: UUID
    job_id: UUID


@dataclass(frozen=True)
class AttachmentRefused(Event):
    """The file is not what it says it is; the crew has to take it again. `reason` is media.rules' code."""

    attachment_id: UUID
    job_id: UUID
    reason: str
