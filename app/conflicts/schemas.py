"""Shapes of conflicts on the wire."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma

from app.conflicts.rules import Saw, Take
from app.jobs.models import JobKind, JobState
from app.kernel.fields import PointField, choice, text
from app.kernel.paging import PAGE_LIMIT, PageArgs, StrictSchema
from mobile_sync.collection import Policy


class ConflictsArgs(PageArgs):
    """Open ones, or those that were settled; of one job where it is named."""

    job_id = ma.fields.UUID()
    state = ma.fields.String(load_default="open", validate=ma.validate.OneOf(["open", "settled"]))


class WriterOut(ma.Schema):
    """Who wrote a value, on which tablet, when by its clock, and how far that clock was off."""

    person_id = ma.fields.UUID(allow_none=True)
    person_name = ma.fields.String(allow_none=True)
    person_name_en = ma.fields.String(allow_none=True)
    device_id = ma.fields.UUID(allow_none=True)
    device_name = ma.fields.String(allow_none=True)
    at = ma.fields.AwareDateTime(allow_none=True)
    clock_error_ms = ma.fields.Integer(allow_none=True)
    received_at = ma.fields.AwareDateTime(allow_none=True)
    gps = ma.fields.Raw(allow_none=True)


class ConflictOut(ma.Schema):
    """A field on which a tablet and the server disagree. `rev` is the record's now; `held` is its value now."""

    id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    gone = ma.fields.Boolean(required=True)
    branch_id = ma.fields.UUID(required=True)
    entity = ma.fields.String(required=True)
    rec_id = ma.fields.UUID(required=True)
    field = ma.fields.String(required=True)
    policy = choice(Policy, required=True)
    state = ma.fields.String(required=True, validate=ma.validate.OneOf(["open", "resolved", "dismissed"]))
    base_known = ma.fields.Boolean(required=True)
    base = ma.fields.Raw(allow_none=True)
    theirs = ma.fields.Raw(allow_none=True)
    mine = ma.fields.Raw(allow_none=True)
    held = ma.fields.Raw(allow_none=True)
    question = ma.fields.Raw(allow_none=True)
    raised_at = ma.fields.AwareDateTime(required=True)
    due_at = ma.fields.AwareDateTime(required=True)
    assignee_id = ma.fields.UUID(allow_none=True)
    assignee_name = ma.fields.String(allow_none=True)
    assignee_name_en = ma.fields.String(allow_none=True)
    take = choice(Take, allow_none=True)
    settled_value = ma.fields.Raw(allow_none=True)
    reason = ma.fields.String(allow_none=True)
    resolved_at = ma.fields.AwareDateTime(allow_none=True)
    resolved_by_id = ma.fields.UUID(allow_none=True)
    resolved_by_name = ma.fields.String(allow_none=True)
    resolved_by_name_en = ma.fields.String(allow_none=True)
    acknowledged_at = ma.fields.AwareDateTime(allow_none=True)
    acknowledged_by_name = ma.fields.String(allow_none=True)
    acknowledged_by_name_en = ma.fields.String(allow_none=True)
    job_id = ma.fields.UUID(required=True)
    job_number = ma.fields.String(required=True)
    job_kind = choice(JobKind, required=True)
    job_state = choice(JobState, required=True)
    job_address = ma.fields.String(required=True)
    job_location = PointField(required=True)
    mine_by = ma.fields.Nested(WriterOut, required=True)
    theirs_by = ma.fields.Nested(WriterOut, allow_none=True)


class ConflictPage(ma.Schema):
    """Conflicts, newest first."""

    items = ma.fields.List(ma.fields.Nested(ConflictOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class SeenIn(StrictSchema):
    """A conflict and the revision of its record as it was shown."""

    id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True, validate=ma.validate.Range(min=0))


def _check_value(decision: dict[str, Any]) -> None:
    if ("value" in decision) != (decision.get("take") is Take.VALUE):
        raise ma.ValidationError("Goes with take=value, and only with it.", "value")


class SettlementIn(StrictSchema):
    """One decision for many. `value` goes with `take: value` only."""

    conflicts = ma.fields.List(
        ma.fields.Nested(SeenIn), required=True, validate=ma.validate.Length(min=1, max=PAGE_LIMIT)
    )
    take = choice(Take, required=True)
    value = ma.fields.Raw(allow_none=True)
    reason = text(500, allow_none=True)

    @ma.validates_schema
    def value_goes_with_value(self, data: dict[str, Any], **_: Any) -> None:
        """A value that nobody would look at is a mistake."""
        _check_value(data)

    @ma.post_load
    def as_arguments(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The verb's arguments."""
        seen: dict[UUID, int] = {one["id"]: one["rev"] for one in data.pop("conflicts")}
        return {"seen": seen, **data}


class SawIn(StrictSchema):
    """The two values as they were shown where the decision was made."""

    theirs = ma.fields.Raw(required=True, allow_none=True)
    mine = ma.fields.Raw(required=True, allow_none=True)

    @ma.post_load
    def as_values(self, data: dict[str, Any], **_: Any) -> Saw:
        """The verb's argument."""
        return Saw(**data)


class DecisionIn(StrictSchema):
    """A tablet's decision about one conflict."""

    take = choice(Take, required=True)
    value = ma.fields.Raw(allow_none=True)
    reason = text(500, allow_none=True)
    saw = ma.fields.Nested(SawIn, required=True)

    @ma.validates_schema
    def value_goes_with_value(self, data: dict[str, Any], **_: Any) -> None:
        """A value that nobody would look at is a mistake."""
        _check_value(data)


class SettledOut(ma.Schema):
    """What was settled."""

    settled = ma.fields.List(ma.fields.UUID(), required=True)


class OwnerOut(ma.Schema):
    """Somebody who could decide, and as what: dispatcher, team_leader, crew."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    hands = ma.fields.List(ma.fields.String(), required=True)


class OwnersOut(ma.Schema):
    """Everybody who could decide, by name."""

    items = ma.fields.List(ma.fields.Nested(OwnerOut), required=True)


class ChangedOut(ma.Schema):
    """A field with its value before and after."""

    field = ma.fields.String(required=True)
    old = ma.fields.Raw(allow_none=True, required=True)
    new = ma.fields.Raw(allow_none=True, required=True)


class VersionOut(ma.Schema):
    """One revision of the job (`job`), of its checklist (`form_record`) or of one of its files (`attachment`)."""

    entity = ma.fields.String(required=True, validate=ma.validate.OneOf(["job", "form_record", "attachment"]))
    rec_id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    deleted = ma.fields.Boolean(required=True)
    changes = ma.fields.List(ma.fields.Nested(ChangedOut), required=True)
    by = ma.fields.Nested(WriterOut, required=True)


class HistoryPage(ma.Schema):
    """Versions, newest first."""

    items = ma.fields.List(ma.fields.Nested(VersionOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class HandOverIn(StrictSchema):
    """Who decides, and until when."""

    person_id = ma.fields.UUID(required=True, allow_none=True)
    due_at = ma.fields.AwareDateTime(load_default=None, allow_none=True)
