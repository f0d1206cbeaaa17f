"""Shapes of planning on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.jobs.models import JobKind, Priority
from app.kernel.fields import choice
from app.kernel.paging import StrictSchema
from app.planning.models import Change, Outcome, Plan, PlanState


class PlanIn(StrictSchema):
    """A day to be planned. `seconds`: how long to search; `seed`: another one may find another plan."""

    branch_id = ma.fields.UUID(required=True)
    day = ma.fields.Date(required=True)
    seconds = ma.fields.Integer(load_default=30, strict=True, validate=ma.validate.Range(5, 120))
    seed = ma.fields.Integer(load_default=1, strict=True, validate=ma.validate.Range(0, 2**31 - 1))


class PlansArgs(StrictSchema):
    """Whose plans, for which day."""

    branch_id = ma.fields.UUID(required=True)
    day = ma.fields.Date(required=True)


class StopIn(StrictSchema):
    """`keep`: the best so far becomes the proposal; else nothing is left of the plan."""

    keep = ma.fields.Boolean(load_default=False)


class AcceptIn(StrictSchema):
    """Which jobs' lines to book; all without it."""

    job_ids = ma.fields.List(ma.fields.UUID(), validate=ma.validate.Length(1, 5_000))


class PlanOut(ma.Schema):
    """A plan and how far it is. `trail`: [seconds, cost, visits left out] of every better plan on the way."""

    id = ma.fields.UUID(required=True)
    branch_id = ma.fields.UUID(required=True)
    day = ma.fields.Date(required=True)
    state = choice(PlanState, required=True)
    asked_at = ma.fields.AwareDateTime(required=True)
    finished_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    seconds = ma.fields.Integer(required=True)
    seed = ma.fields.Integer(required=True)
    engine = ma.fields.String(required=True, allow_none=True)
    travel_version = ma.fields.String(required=True, allow_none=True)
    input_hash = ma.fields.String(required=True, allow_none=True)
    crews = ma.fields.Integer(required=True, allow_none=True)
    visits = ma.fields.Integer(required=True, allow_none=True)
    rounds = ma.fields.Integer(required=True, allow_none=True)
    cost = ma.fields.Integer(required=True, allow_none=True)
    left_out = ma.fields.Integer(required=True, allow_none=True)
    trail = ma.fields.List(ma.fields.List(ma.fields.Float()), required=True)
    terms = ma.fields.Dict(required=True, keys=ma.fields.String(), values=ma.fields.Integer())


class PlanPage(ma.Schema):
    """The newest plans of a day, newest first."""

    items = ma.fields.List(ma.fields.Nested(PlanOut), required=True)


class CrewWords(ma.Schema):
    """A crew by its names."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)


class LineOut(ma.Schema):
    """What the plan would do with one job. `reason`: why it is refused; `problem`: why it could not be booked."""

    job_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    kind = choice(JobKind, required=True)
    address = ma.fields.String(required=True)
    priority = choice(Priority, required=True)
    window_start = ma.fields.AwareDateTime(required=True, allow_none=True)
    window_end = ma.fields.AwareDateTime(required=True, allow_none=True)
    change = choice(Change, required=True)
    crew = ma.fields.Nested(CrewWords, required=True, allow_none=True)
    planned_start = ma.fields.AwareDateTime(required=True, allow_none=True)
    planned_end = ma.fields.AwareDateTime(required=True, allow_none=True)
    crew_before = ma.fields.Nested(CrewWords, required=True, allow_none=True)
    start_before = ma.fields.AwareDateTime(required=True, allow_none=True)
    reason = ma.fields.Dict(required=True, allow_none=True)
    outcome = choice(Outcome, required=True, allow_none=True)
    problem = ma.fields.Dict(required=True, allow_none=True)


class PlanDetail(PlanOut):
    """A plan with its lines: refused ones first, then moved, new and kept, each by time."""

    lines = ma.fields.List(ma.fields.Nested(LineOut), required=True)


def line_json(row: Any) -> dict[str, Any]:
    """A row of `queries.lines_of` as `LineOut` has it."""
    line = dict(row._mapping)
    line["kind"], line["priority"] = JobKind(row.kind), Priority(row.priority)
    line["change"] = Change(row.change)
    line["outcome"] = None if row.outcome is None else Outcome(row.outcome)
    line["crew"] = _crew(row.crew_id, row.crew_code, row.crew_name_zh, row.crew_name_en)
    line["crew_before"] = _crew(
        row.crew_before_id, row.crew_before_code, row.crew_before_name_zh, row.crew_before_name_en
    )
    return line


def _crew(crew_id: Any, code: Any, name_zh: Any, name_en: Any) -> dict[str, Any] | None:
    return None if crew_id is None else {"id": crew_id, "code": code, "name_zh": name_zh, "name_en": name_en}


def detail_json(plan: Plan, rows: Any) -> dict[str, Any]:
    """A plan with its lines as `PlanDetail` has it."""
    names = (name for name in PlanOut().fields)
    return {**{name: getattr(plan, name) for name in names}, "lines": [line_json(row) for row in rows]}
