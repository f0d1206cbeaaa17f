"""Shapes of deadlines on the wire."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from app.deadlines.alerts import Row
from app.deadlines.models import Clock, DeadlineAlert, Milestone, PauseCause, Stage
from app.deadlines.rules import State
from app.deadlines.service import Shown
from app.identity.models import Role
from app.jobs.schemas import JobBrief
from app.kernel.fields import choice, text
from app.kernel.paging import StrictSchema


class ClockOut(ma.Schema):
    """One clock of a job, by its rule. `owes`: it was missed and nobody has said why; `deviation` is what was said.

    `limit_type` is `average` where the promise is kept on average, not in each case. `confidence`: A read in a
    published text, B well known, C remembered, D our own choice. Times are null before the start event.
    """

    code = ma.fields.String(required=True)
    clock = choice(Clock, required=True)
    milestone = choice(Milestone, required=True)
    state = choice(State, required=True)
    began_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    due_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    reached_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    limit_type = ma.fields.String(required=True)
    source = ma.fields.String(required=True)
    edition = ma.fields.String(required=True)
    source_zh = ma.fields.String(required=True)
    confidence = ma.fields.String(required=True)
    owes = ma.fields.Boolean(required=True)
    deviation = ma.fields.String(required=True, allow_none=True)


class PauseOut(ma.Schema):
    """A stretch in which the clocks stood, or stand, still."""

    cause = choice(PauseCause, required=True)
    note = ma.fields.String(required=True, allow_none=True)
    began_at = ma.fields.AwareDateTime(required=True)
    ended_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class DeadlinesOut(ma.Schema):
    """A job's clocks, the one that runs out next first."""

    clocks = ma.fields.List(ma.fields.Nested(ClockOut), required=True)
    pauses = ma.fields.List(ma.fields.Nested(PauseOut), required=True)
    paused = ma.fields.Boolean(required=True)


class PauseIn(StrictSchema):
    """Why the clocks stand still."""

    cause = choice(PauseCause, required=True)
    note = text(500)


class DeviationIn(StrictSchema):
    """Why a limit was missed, in words."""

    reason = ma.fields.String(required=True, validate=[ma.validate.Length(1, 500), ma.validate.Regexp(r"(?s).*\S")])


class DeadlineListArgs(StrictSchema):
    """`missed`: those that owe a reason."""

    show = ma.fields.String(load_default="open", validate=ma.validate.OneOf(["open", "soon", "missed"]))


class ToldOut(ma.Schema):
    """Somebody by name."""

    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)


class DeadlineAlertOut(ma.Schema):
    """The alert that stands, with the level it is put to; it passes on at `passes_on_at` unless somebody takes it."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    stage = choice(Stage, required=True)
    raised_at = ma.fields.AwareDateTime(required=True)
    role = choice(Role, required=True)
    people = ma.fields.List(ma.fields.Nested(ToldOut), required=True)
    passes_on_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    taken_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    taken_by = ma.fields.Nested(ToldOut, required=True, allow_none=True)


class DeadlineRowOut(DeadlinesOut):
    """A job on the list."""

    job = ma.fields.Nested(JobBrief, required=True)
    alert = ma.fields.Nested(DeadlineAlertOut, required=True, allow_none=True)


class DeadlineListOut(ma.Schema):
    """Jobs by what runs out next."""

    items = ma.fields.List(ma.fields.Nested(DeadlineRowOut), required=True)


def deadlines(shown: Shown) -> dict[str, Any]:
    """`DeadlinesOut` of a job."""
    said = shown.facts.deviations
    clocks = [
        {
            "code": one.limit.code,
            "clock": one.limit.clock,
            "milestone": one.limit.milestone,
            "state": one.state,
            "began_at": one.began_at,
            "due_at": one.due_at,
            "reached_at": one.reached_at,
            "limit_type": one.limit.limit_type,
            "source": one.limit.source,
            "edition": one.limit.edition,
            "source_zh": one.limit.source_zh,
            "confidence": one.limit.confidence,
            "owes": shown.owes(one),
            "deviation": said[one.limit.code].reason if one.limit.code in said else None,
        }
        for one in shown.clocks
    ]
    return {"clocks": clocks, "pauses": shown.facts.pauses, "paused": shown.paused}


def listed(row: Row) -> dict[str, Any]:
    """`DeadlineRowOut` of a row."""
    return {**deadlines(row.shown), "job": row.shown.facts.brief, "alert": row.alert and _alert(row.alert, row.told)}


def _alert(alert: DeadlineAlert, told: dict[str, Any]) -> dict[str, Any]:
    own = {name: getattr(alert, name) for name in ("id", "code", "stage", "raised_at", "taken_at")}
    return {**own, **told}
