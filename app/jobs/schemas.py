"""Shapes of jobs on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.jobs.models import JobKind, JobState, Priority
from app.jobs.rules import TAKES_A_CREW, WORDS
from app.kernel.fields import PointField, choice, phone, text
from app.kernel.paging import PageArgs, StrictSchema
from app.media.models import AttachmentKind
from app.staff.models import Skill

LISTED_STATES = ["open", *(state.value for state in JobState)]
TARGETS = [*(state.value for state in JobState if state not in TAKES_A_CREW), *WORDS]


class JobsArgs(PageArgs):
    """Which jobs: `state` is a state or `open`; `q` a part of the number or the address."""

    state = ma.fields.String(validate=ma.validate.OneOf(LISTED_STATES))
    kind = choice(JobKind)
    priority = choice(Priority)
    crew_id = ma.fields.UUID()
    outage_id = ma.fields.UUID()
    q = text(80)
    opened_from = ma.fields.AwareDateTime()
    opened_until = ma.fields.AwareDateTime()


class JobsCsvArgs(JobsArgs):
    """The same question for an export, which has no pages."""

    class Meta(StrictSchema.Meta):
        """An export has no pages."""

        exclude = ("cursor", "limit")


class AssignmentBrief(ma.Schema):
    """Which crew holds the job: now (`live`) or as a booked visit."""

    id = ma.fields.UUID(required=True)
    crew_id = ma.fields.UUID(required=True)
    crew_code = ma.fields.String(required=True)
    crew_name_zh = ma.fields.String(required=True)
    crew_name_en = ma.fields.String(required=True)
    live = ma.fields.Boolean(required=True)
    assigned_at = ma.fields.AwareDateTime(required=True)
    planned_start = ma.fields.AwareDateTime(allow_none=True)
    planned_end = ma.fields.AwareDateTime(allow_none=True)


class JobBrief(ma.Schema):
    """A job in a line, where something else is told of."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    kind = choice(JobKind, required=True)
    state = choice(JobState, required=True)
    priority = choice(Priority, required=True)
    address = ma.fields.String(required=True)


class JobOut(ma.Schema):
    """A job with who holds it."""

    id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    branch_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    kind = choice(JobKind, required=True)
    state = choice(JobState, required=True)
    priority = choice(Priority, required=True)
    required_skill = choice(Skill, required=True)
    address = ma.fields.String(required=True)
    location = PointField(required=True)
    contact_name = ma.fields.String(allow_none=True)
    contact_phone = ma.fields.String(allow_none=True)
    premises_id = ma.fields.UUID(allow_none=True)
    outage_id = ma.fields.UUID(allow_none=True)
    form_code = ma.fields.String(required=True)
    form_version = ma.fields.Integer(required=True)
    window_start = ma.fields.AwareDateTime(allow_none=True)
    window_end = ma.fields.AwareDateTime(allow_none=True)
    due_at = ma.fields.AwareDateTime(allow_none=True)
    note = ma.fields.String(allow_none=True)
    finding = ma.fields.String(allow_none=True)
    opened_at = ma.fields.AwareDateTime(required=True)
    arrived_at = ma.fields.AwareDateTime(allow_none=True)
    restored_at = ma.fields.AwareDateTime(allow_none=True)
    completed_at = ma.fields.AwareDateTime(allow_none=True)
    assignment = ma.fields.Nested(AssignmentBrief, allow_none=True)


class JobPage(ma.Schema):
    """A page of jobs, newest first."""

    items = ma.fields.List(ma.fields.Nested(JobOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class RecordOut(ma.Schema):
    """The filled checklist."""

    id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    answers = ma.fields.Dict(required=True)


class ManifestOut(ma.Schema):
    """Photos and signatures: how many the crew has declared, and how many of them are here with the right hash."""

    declared = ma.fields.Integer(required=True)
    here = ma.fields.Integer(required=True)


class JobDetail(JobOut):
    """A job's page: with its form, its answers, its files, what is missing, and where it may go for this reader."""

    form = ma.fields.Dict(required=True)
    record = ma.fields.Nested(RecordOut, allow_none=True)
    files = ma.fields.Nested(ManifestOut, required=True)
    missing = ma.fields.List(ma.fields.String(), required=True)
    allowed = ma.fields.List(choice(JobState), required=True)


class JobPatch(StrictSchema):
    """Corrections by the desk."""

    address = text(200)
    note = text(2000, allow_none=True)
    priority = choice(Priority)
    contact_name = text(80, allow_none=True)
    contact_phone = phone(allow_none=True)
    location = PointField()

    @ma.validates_schema
    def something(self, data: dict[str, Any], **_: Any) -> None:
        """An empty correction is a mistake of the client."""
        if not data:
            raise ma.ValidationError("Missing data: nothing to change.", "body")


class TransitionIn(StrictSchema):
    """Where to; `handed_back`, `refused` and `withdrawn` lead back to new and, like `cancelled`, need a reason."""

    to = ma.fields.String(required=True, validate=ma.validate.OneOf(TARGETS))
    reason = text(500, allow_none=True)


class EventOut(ma.Schema):
    """A line of the timeline. `at` is when it happened, `received_at` when we heard."""

    id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)
    received_at = ma.fields.AwareDateTime(required=True)
    kind = ma.fields.String(required=True)
    detail = ma.fields.Dict(required=True)
    person_id = ma.fields.UUID(allow_none=True)
    person_name = ma.fields.String(allow_none=True)
    person_name_en = ma.fields.String(allow_none=True)
    crew_id = ma.fields.UUID(allow_none=True)
    crew_code = ma.fields.String(allow_none=True)
    device_id = ma.fields.UUID(allow_none=True)


class Timeline(ma.Schema):
    """A job's events, oldest first."""

    items = ma.fields.List(ma.fields.Nested(EventOut), required=True)


class AttachmentOut(ma.Schema):
    """A photo or signature. `verified_at` is null while its bytes are on their way, `refused` a reason code.

    `exif_…` is what the file says of itself; `differs` names where that is too far from what the tablet declared.
    """

    id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    job_id = ma.fields.UUID(required=True)
    kind = choice(AttachmentKind, required=True)
    slot = ma.fields.String(required=True)
    sha256 = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)
    mime = ma.fields.String(required=True)
    taken_at = ma.fields.AwareDateTime(required=True)
    location = PointField(allow_none=True)
    accuracy_m = ma.fields.Float(allow_none=True)
    signer_name = ma.fields.String(allow_none=True)
    width_px = ma.fields.Integer(allow_none=True)
    height_px = ma.fields.Integer(allow_none=True)
    person_id = ma.fields.UUID(allow_none=True)
    has_thumbnail = ma.fields.Boolean(required=True)
    verified_at = ma.fields.AwareDateTime(allow_none=True)
    refused = ma.fields.String(allow_none=True)
    exif_taken_at = ma.fields.AwareDateTime(allow_none=True)
    exif_location = PointField(allow_none=True)
    exif_device = ma.fields.String(allow_none=True)
    exif_away_m = ma.fields.Float(allow_none=True)
    differs = ma.fields.List(ma.fields.String(validate=ma.validate.OneOf(["time", "position"])), required=True)


class Attachments(ma.Schema):
    """A job's photos and signatures, by slot."""

    items = ma.fields.List(ma.fields.Nested(AttachmentOut), required=True)
