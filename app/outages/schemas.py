"""Shapes of outages on the wire."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma

from app.demands.models import Channel, Symptom
from app.demands.service import Call
from app.jobs.schemas import JobBrief
from app.kernel.fields import PointField, choice, phone, text
from app.kernel.paging import PageArgs, StrictSchema
from app.network.models import Commodity, NodeKind
from app.outages.models import OutageState


class CallIn(StrictSchema):
    """A call as it is taken. `join`: `auto`, `new`, or the id of the outage it is about."""

    channel = choice(Channel, load_default=Channel.PHONE)
    symptom = choice(Symptom, required=True)
    caller_name = text(80, allow_none=True)
    caller_phone = phone(allow_none=True)
    premises_id = ma.fields.UUID(allow_none=True)
    location = PointField(allow_none=True)
    note = text(2000, allow_none=True)
    join = ma.fields.String(load_default="auto")

    @ma.validates("join")
    def join_is_known(self, value: str, **_: Any) -> None:
        """`auto`, `new` or a UUID."""
        if value not in {"auto", "new"}:
            try:
                UUID(value)
            except ValueError as error:
                raise ma.ValidationError("Must be one of: auto, new, the id of an outage.") from error

    @ma.post_load
    def as_call(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The verb's arguments."""
        join = data.pop("join")
        return {"call": Call(**data), "join": join if join in {"auto", "new"} else UUID(join)}


class TakenOut(ma.Schema):
    """What became of a call."""

    id = ma.fields.UUID(required=True, attribute="demand.id")
    number = ma.fields.String(required=True, attribute="demand.number")
    taken_at = ma.fields.AwareDateTime(required=True, attribute="demand.taken_at")
    outage_id = ma.fields.UUID(required=True, attribute="outage.id")
    outage_number = ma.fields.String(required=True, attribute="outage.number")
    job_id = ma.fields.UUID(required=True, attribute="job.id")
    job_number = ma.fields.String(required=True, attribute="job.number")
    joined = ma.fields.Boolean(required=True)


class OutagesArgs(PageArgs):
    """Which outages."""

    state = choice(OutageState)


class OutageJob(JobBrief):
    """A job of an outage, in short."""

    due_at = ma.fields.AwareDateTime(allow_none=True)
    crew_id = ma.fields.UUID(allow_none=True)
    crew_code = ma.fields.String(allow_none=True)


class OutageOut(ma.Schema):
    """An outage with its jobs and how many called."""

    id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    branch_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    commodity = choice(Commodity, required=True)
    state = choice(OutageState, required=True)
    location = PointField(required=True)
    suspected_node_id = ma.fields.UUID(allow_none=True)
    suspected_node_code = ma.fields.String(allow_none=True)
    suspected_node_name = ma.fields.String(allow_none=True)
    suspected_node_kind = choice(NodeKind, allow_none=True)
    cause = ma.fields.String(allow_none=True)
    opened_at = ma.fields.AwareDateTime(required=True)
    restored_at = ma.fields.AwareDateTime(allow_none=True)
    closed_at = ma.fields.AwareDateTime(allow_none=True)
    calls = ma.fields.Integer(required=True)
    jobs = ma.fields.List(ma.fields.Nested(OutageJob), required=True)


class MergeIn(StrictSchema):
    """Which other outages."""

    outage_ids = ma.fields.List(ma.fields.UUID(), required=True, validate=ma.validate.Length(1, 100))


class CausesArgs(StrictSchema):
    """Of which branch."""

    branch_id = ma.fields.UUID(required=True)


class CauseOutage(ma.Schema):
    """An outage whose calls a cause explains."""

    id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)


class CauseOut(ma.Schema):
    """A device that most probably failed. `probability`: against the next best explanation, 0 to 1."""

    id = ma.fields.UUID(required=True)
    of = ma.fields.String(required=True, validate=ma.validate.OneOf(["node", "link"]))
    kind = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(allow_none=True)
    feeder_code = ma.fields.String(allow_none=True)
    location = PointField(required=True)
    customers = ma.fields.Integer(required=True)
    calls = ma.fields.Integer(required=True)
    probability = ma.fields.Float(required=True)
    outages = ma.fields.List(ma.fields.Nested(CauseOutage), required=True)


class CausesOut(ma.Schema):
    """The most probable causes of what is called about, most customers first."""

    items = ma.fields.List(ma.fields.Nested(CauseOut), required=True)


class OutagePage(ma.Schema):
    """Outages, newest first."""

    items = ma.fields.List(ma.fields.Nested(OutageOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)
