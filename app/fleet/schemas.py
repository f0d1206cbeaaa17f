"""Shapes of the fleet on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.fleet.queries.incidents import Holds
from app.fleet.rules import Need, Sort
from app.identity.models import DeviceState
from app.jobs.models import JobKind, JobState
from app.kernel.fields import choice, text
from app.kernel.paging import PageArgs, StrictSchema
from mobile_sync.protocol import MAX_FIELDS, Kind, Status, Verb


class FleetArgs(PageArgs):
    """Which tablets, and in which order. `q` is a part of the tablet's, person's or crew's name."""

    state = choice(DeviceState)
    crew_id = ma.fields.UUID()
    attention = ma.fields.Boolean(load_default=False)
    q = text(80)
    sort = choice(Sort, load_default=Sort.WORST)


class FleetCsvArgs(FleetArgs):
    """The same question for an export, which has no pages and begins with the worst."""

    class Meta(StrictSchema.Meta):
        """An export has no pages."""

        exclude = ("cursor", "limit", "sort")


class FleetProof(ma.Schema):
    """A day as the tablet counts it (`here`) and as the centre does (`there`): ops with a result, verified files."""

    day = ma.fields.String(required=True)
    ops_here = ma.fields.Integer(required=True)
    ops_there = ma.fields.Integer(required=True)
    files_here = ma.fields.Integer(required=True)
    files_there = ma.fields.Integer(required=True)


class FleetTablet(ma.Schema):
    """How a tablet fares. What it said of itself (queue, storage, version) is as of `reported_at`.

    `behind`: changes that wait for it. `rejected`: ops refused in the last 7 days. `incidents`: how often what it holds
    did not add up, `unhealed` of them still, the last found at `incident_at`. `needs`: why somebody should look, the
    gravest first.
    """

    id = ma.fields.UUID(required=True)
    branch_id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    state = choice(DeviceState, required=True)
    enrolled_at = ma.fields.AwareDateTime(required=True)
    person_id = ma.fields.UUID(allow_none=True)
    person_name = ma.fields.String(allow_none=True)
    person_name_en = ma.fields.String(allow_none=True)
    crew_id = ma.fields.UUID(allow_none=True)
    crew_code = ma.fields.String(allow_none=True)
    crew_name_zh = ma.fields.String(allow_none=True)
    crew_name_en = ma.fields.String(allow_none=True)
    needs = ma.fields.List(choice(Need), required=True)
    seen_at = ma.fields.AwareDateTime(allow_none=True)
    pushed_at = ma.fields.AwareDateTime(allow_none=True)
    pulled_at = ma.fields.AwareDateTime(allow_none=True)
    reported_at = ma.fields.AwareDateTime(allow_none=True)
    behind = ma.fields.Integer(allow_none=True)
    queued_ops = ma.fields.Integer(allow_none=True)
    queued_files = ma.fields.Integer(allow_none=True)
    queued_bytes = ma.fields.Integer(allow_none=True)
    oldest_queued_at = ma.fields.AwareDateTime(allow_none=True)
    storage_free_bytes = ma.fields.Integer(allow_none=True)
    proof = ma.fields.Nested(FleetProof, allow_none=True)
    clock_error_ms = ma.fields.Integer(allow_none=True)
    app_version = ma.fields.String(allow_none=True)
    schema_version = ma.fields.Integer(allow_none=True)
    epoch = ma.fields.String(allow_none=True)
    same_life = ma.fields.Boolean(required=True)
    high_op_no = ma.fields.Integer(required=True)
    quarantined = ma.fields.Integer(required=True)
    held = ma.fields.Integer(required=True)
    rejected = ma.fields.Integer(required=True)
    conflicts = ma.fields.Integer(required=True)
    incidents = ma.fields.Integer(required=True)
    unhealed = ma.fields.Integer(required=True)
    incident_at = ma.fields.AwareDateTime(allow_none=True)


class FleetPage(ma.Schema):
    """Tablets in the order asked for; `tablets` and `needy` count all that may be seen."""

    items = ma.fields.List(ma.fields.Nested(FleetTablet), required=True)
    next = ma.fields.String(allow_none=True, required=True)
    tablets = ma.fields.Integer(required=True)
    needy = ma.fields.Integer(required=True)


class IncidentOut(ma.Schema):
    """A bucket that did not add up on a tablet (SPEC L16): rows expected and found, when, and since when it does.

    `holds`: whose things the bucket has; `name_*` name that crew, sub-district or person where it is known.
    """

    bucket = ma.fields.String(required=True)
    holds = choice(Holds, required=True)
    name_zh = ma.fields.String(allow_none=True)
    name_en = ma.fields.String(allow_none=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(["missing", "surplus", "altered"]))
    expected_rows = ma.fields.Integer(required=True)
    rows = ma.fields.Integer(required=True)
    found_at = ma.fields.AwareDateTime(required=True)
    healed_at = ma.fields.AwareDateTime(allow_none=True)
    reported_at = ma.fields.AwareDateTime(required=True)


class IncidentsArgs(StrictSchema):
    """How many at most."""

    limit = ma.fields.Integer(load_default=50, validate=ma.validate.Range(1, 200))


class IncidentsPage(ma.Schema):
    """Those not healed first, then the newest. How many there are in all stands with the tablet."""

    items = ma.fields.List(ma.fields.Nested(IncidentOut), required=True)


class OpsArgs(PageArgs):
    """Those that wait, by number; or those the centre has ended, the newest first."""

    state = ma.fields.String(load_default="waiting", validate=ma.validate.OneOf(["waiting", "decided"]))


class WhyOut(ma.Schema):
    """Why an op waits or was refused; `title` is a sentence in the reader's language."""

    code = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    params = ma.fields.Dict(required=True)
    errors = ma.fields.List(ma.fields.Dict(), required=True)


class SaidOut(ma.Schema):
    """What somebody at the centre said about an op, and what came of it. `done`: it has its result by this."""

    verb = choice(Verb, required=True)
    at = ma.fields.AwareDateTime(required=True)
    person_id = ma.fields.UUID(allow_none=True)
    person_name = ma.fields.String(allow_none=True)
    person_name_en = ma.fields.String(allow_none=True)
    reason = ma.fields.String(allow_none=True)
    fields_said = ma.fields.Dict(allow_none=True)
    status = choice(Status, required=True)
    why = ma.fields.Nested(WhyOut, allow_none=True)
    done = ma.fields.Boolean(required=True)


class OpOut(ma.Schema):
    """What a tablet sent and nobody could judge. `rev` counts what was said about it, for If-Match.

    `sent`: the fields as they came; `fields_now`: as they would be judged; `held`: what the system has; `questions`:
    the form's own, by field. A member that could not be read is null.
    """

    op_no = ma.fields.Integer(required=True)
    rev = ma.fields.Integer(required=True)
    status = choice(Status, required=True)
    why = ma.fields.Nested(WhyOut, allow_none=True)
    entity = ma.fields.String(allow_none=True)
    rec_id = ma.fields.String(allow_none=True)
    kind = choice(Kind, allow_none=True)
    sent = ma.fields.Dict(required=True)
    fields_now = ma.fields.Dict(required=True)
    held = ma.fields.Dict(required=True)
    questions = ma.fields.Dict(required=True)
    files = ma.fields.List(ma.fields.Raw(), required=True)
    gps = ma.fields.Raw(allow_none=True)
    device_at = ma.fields.AwareDateTime(allow_none=True)
    received_at = ma.fields.AwareDateTime(required=True)
    clock_error_ms = ma.fields.Integer(required=True)
    person_id = ma.fields.UUID(allow_none=True)
    person_name = ma.fields.String(allow_none=True)
    person_name_en = ma.fields.String(allow_none=True)
    job_id = ma.fields.UUID(allow_none=True)
    job_number = ma.fields.String(allow_none=True)
    job_kind = choice(JobKind, allow_none=True)
    job_state = choice(JobState, allow_none=True)
    job_address = ma.fields.String(allow_none=True)
    history = ma.fields.List(ma.fields.Nested(SaidOut), required=True)


class OpsPage(ma.Schema):
    """Ops of one tablet."""

    items = ma.fields.List(ma.fields.Nested(OpOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class ReplayIn(StrictSchema):
    """Judge it again."""

    reason = text(500, allow_none=True, load_default=None)


class RefuseIn(StrictSchema):
    """It is not to be applied, because."""

    reason = text(500, required=True)


class RepairIn(RefuseIn):
    """Judge it again with these fields, all of them, because."""

    changed = ma.fields.Dict(
        keys=ma.fields.String(), data_key="fields", required=True, validate=ma.validate.Length(1, MAX_FIELDS)
    )

    @ma.post_load
    def as_arguments(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The verb's arguments."""
        return {"fields": data.pop("changed"), **data}


class ActedOut(ma.Schema):
    """What came of it: the op's status and why, and how many that waited for it have a result now.

    `done`: it has its result; else it waits on, and `why` says what would refuse it.
    """

    op_no = ma.fields.Integer(required=True)
    status = choice(Status, required=True)
    done = ma.fields.Boolean(required=True)
    why = ma.fields.Nested(WhyOut, allow_none=True)
    released = ma.fields.Integer(required=True)
