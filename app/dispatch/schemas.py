"""Shapes of dispatch on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma

from app.crews.models import CrewKind
from app.dispatch.models import AlertKind
from app.dispatch.rules import Candidate
from app.dispatch.service import MOST_SHOWN, Ranking
from app.identity.models import Role
from app.jobs.models import EndReason, JobKind, JobState
from app.jobs.schemas import JobBrief
from app.kernel.fields import PointField, choice, text
from app.kernel.paging import PAGE_LIMIT, PageArgs, StrictSchema
from app.staff.models import Grade, Skill


class CandidatesArgs(StrictSchema):
    """How many of the ranked crews to show."""

    limit = ma.fields.Integer(load_default=MOST_SHOWN, validate=ma.validate.Range(1, PAGE_LIMIT))


class CrewsArgs(PageArgs):
    """All crews, or those named: `id` may stand many times."""

    id = ma.fields.List(ma.fields.UUID(), validate=ma.validate.Length(max=PAGE_LIMIT))


class ReasonOut(ma.Schema):
    """What speaks for or against a crew; `blocks` means it cannot be sent."""

    code = ma.fields.String(required=True)
    good = ma.fields.Boolean(required=True)
    blocks = ma.fields.Boolean(required=True)
    params = ma.fields.Dict(required=True)


class BusyWith(ma.Schema):
    """The job a crew is on."""

    job_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    state = choice(JobState, required=True)


class CandidateOut(ma.Schema):
    """A crew in the ranking. Distance and time are null where its position is not known."""

    crew_id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    kind = choice(CrewKind, required=True)
    ok = ma.fields.Boolean(required=True)
    distance_m = ma.fields.Integer(required=True, allow_none=True)
    eta_s = ma.fields.Integer(required=True, allow_none=True)
    estimated = ma.fields.Boolean(required=True)
    location = ma.fields.Dict(allow_none=True)
    position_age_s = ma.fields.Integer(required=True, allow_none=True)
    duty_until = ma.fields.AwareDateTime(required=True, allow_none=True)
    grade = choice(Grade, required=True, allow_none=True)
    busy_with = ma.fields.Nested(BusyWith, required=True, allow_none=True)
    reasons = ma.fields.List(ma.fields.Nested(ReasonOut), required=True)


class CandidatesOut(ma.Schema):
    """The best of all crews of the branch; `total` and `ok_count` are over all of them."""

    job_id = ma.fields.UUID(required=True)
    at = ma.fields.AwareDateTime(required=True)
    total = ma.fields.Integer(required=True)
    ok_count = ma.fields.Integer(required=True)
    items = ma.fields.List(ma.fields.Nested(CandidateOut), required=True)


class AssignmentIn(StrictSchema):
    """Which crew to send."""

    crew_id = ma.fields.UUID(required=True)


class VisitIn(StrictSchema):
    """Which crew makes the visit, from when to when."""

    crew_id = ma.fields.UUID(required=True)
    planned_start = ma.fields.AwareDateTime(required=True)
    planned_end = ma.fields.AwareDateTime(required=True)


class WithdrawIn(StrictSchema):
    """Why the crew is called back, if there is more to say than that it was a slip."""

    reason = text(500, allow_none=True)


class AssignmentOut(ma.Schema):
    """A crew sent to a job."""

    id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True)
    crew_id = ma.fields.UUID(required=True)
    live = ma.fields.Boolean(required=True)
    assigned_at = ma.fields.AwareDateTime(required=True)
    ended_at = ma.fields.AwareDateTime(allow_none=True)
    end_reason = choice(EndReason, allow_none=True)
    reasons = ma.fields.List(ma.fields.Nested(ReasonOut), required=True)


class VisitOut(AssignmentOut):
    """A booked visit."""

    planned_start = ma.fields.AwareDateTime(required=True)
    planned_end = ma.fields.AwareDateTime(required=True)


class NamedOut(ma.Schema):
    """Somebody by name."""

    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)


class AlertedCrew(ma.Schema):
    """The crew that did not go, and where to ring it."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    phone = ma.fields.String(required=True, allow_none=True)


class CrewAlertOut(ma.Schema):
    """A crew that was sent did not go: since when, why, and who is told of it now.

    `since` is when it was sent, or when it gave the job back. `role` and `people` are the level that is told; unless
    somebody takes it, it is passed on to the next one at `passes_on_at` (null: there is none, or it was taken).
    """

    id = ma.fields.UUID(required=True)
    kind = choice(AlertKind, required=True)
    job = ma.fields.Nested(JobBrief, required=True)
    crew = ma.fields.Nested(AlertedCrew, required=True)
    since = ma.fields.AwareDateTime(required=True)
    reason = ma.fields.String(required=True, allow_none=True)
    raised_at = ma.fields.AwareDateTime(required=True)
    level = ma.fields.Integer(required=True)
    role = choice(Role, required=True)
    people = ma.fields.List(ma.fields.Nested(NamedOut), required=True)
    passes_on_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    taken_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    taken_by_name = ma.fields.String(required=True, allow_none=True)
    taken_by_name_en = ma.fields.String(required=True, allow_none=True)


class CrewAlerts(ma.Schema):
    """What still stands, the oldest first."""

    items = ma.fields.List(ma.fields.Nested(CrewAlertOut), required=True)


class SkillOut(ma.Schema):
    """The best valid grade of a skill in a crew."""

    skill = choice(Skill, required=True)
    grade = choice(Grade, required=True)


class LiveJob(JobBrief):
    """The job a crew is on."""

    assignment_id = ma.fields.UUID(required=True)
    assigned_at = ma.fields.AwareDateTime(required=True)


class CrewOut(ma.Schema):
    """A crew on the board. `duty_until` is null off duty."""

    id = ma.fields.UUID(required=True)
    rev = ma.fields.Integer(required=True)
    branch_id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    kind = choice(CrewKind, required=True)
    phone = ma.fields.String(allow_none=True)
    vehicle_plate = ma.fields.String(allow_none=True)
    location = PointField(allow_none=True)
    position_at = ma.fields.AwareDateTime(allow_none=True)
    accuracy_m = ma.fields.Float(allow_none=True)
    position_age_s = ma.fields.Integer(allow_none=True)
    duty_until = ma.fields.AwareDateTime(allow_none=True)
    live_job = ma.fields.Nested(LiveJob, allow_none=True)
    skills = ma.fields.List(ma.fields.Nested(SkillOut), required=True)


class CrewPage(ma.Schema):
    """Crews, by code."""

    items = ma.fields.List(ma.fields.Nested(CrewOut), required=True)
    next = ma.fields.String(allow_none=True, required=True)


class MemberOut(ma.Schema):
    """Somebody in a crew."""

    person_id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    lead = ma.fields.Boolean(required=True)


class CrewDetail(CrewOut):
    """A crew with its members."""

    members = ma.fields.List(ma.fields.Nested(MemberOut), required=True)


class CrewNamed(ma.Schema):
    """A crew by its names."""

    id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)


class MovedVisit(ma.Schema):
    """A booked visit that does not stay as it is; without `crew` nobody can make it any more.

    `told`: its customer has to hear of it, because the crew is another or the time differs by more than a quarter of
    an hour.
    """

    assignment_id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True)
    number = ma.fields.String(required=True)
    kind = choice(JobKind, required=True)
    address = ma.fields.String(required=True)
    contact_name = ma.fields.String(required=True, allow_none=True)
    contact_phone = ma.fields.String(required=True, allow_none=True)
    was_crew = ma.fields.Nested(CrewNamed, required=True)
    was_start = ma.fields.AwareDateTime(required=True)
    crew = ma.fields.Nested(CrewNamed, required=True, allow_none=True)
    planned_start = ma.fields.AwareDateTime(required=True, allow_none=True)
    planned_end = ma.fields.AwareDateTime(required=True, allow_none=True)
    told = ma.fields.Boolean()


class RivalOut(ma.Schema):
    """Another crew, the nearest first, and why it does not go: no room in its day, late by so many seconds, dearer."""

    crew = ma.fields.Nested(CrewNamed, required=True)
    arrives_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    why = ma.fields.String(required=True, validate=ma.validate.OneOf(["no_room", "late", "dearer"]))
    seconds = ma.fields.Integer(required=True, allow_none=True)


class DecisionOut(ma.Schema):
    """Who should go and what follows.

    `planned_start` is null where the crew goes at once, else when the job is to be booked for it. `thawed`: a visit
    that begins within half an hour has to give way, which only a person may decide. `extra_s`: what the day costs
    more, in seconds of travel.
    """

    rung = ma.fields.String(required=True, validate=ma.validate.OneOf(["insertion", "pinned", "nearest"]))
    crew = ma.fields.Nested(CrewNamed, required=True)
    arrives_at = ma.fields.AwareDateTime(required=True)
    planned_start = ma.fields.AwareDateTime(required=True, allow_none=True)
    in_time = ma.fields.Boolean(required=True)
    thawed = ma.fields.Boolean(required=True)
    extra_s = ma.fields.Integer(required=True)
    moves = ma.fields.List(ma.fields.Nested(MovedVisit), required=True)
    dropped = ma.fields.List(ma.fields.Nested(MovedVisit), required=True)
    rivals = ma.fields.List(ma.fields.Nested(RivalOut), required=True)


class ProposalOut(ma.Schema):
    """Who should go, as of a moment; `decision` is null where nobody can."""

    at = ma.fields.AwareDateTime(required=True)
    decision = ma.fields.Nested(DecisionOut, required=True, allow_none=True)


class MoveIn(StrictSchema):
    """A booked visit and where it goes."""

    assignment_id = ma.fields.UUID(required=True)
    crew_id = ma.fields.UUID(required=True)
    planned_start = ma.fields.AwareDateTime(required=True)
    planned_end = ma.fields.AwareDateTime(required=True)


class TakeProposalIn(StrictSchema):
    """What is accepted of a proposal: who goes, at once or booked, what moves, what is taken from its crew."""

    crew_id = ma.fields.UUID(required=True)
    planned_start = ma.fields.AwareDateTime(load_default=None, allow_none=True)
    moves = ma.fields.List(ma.fields.Nested(MoveIn), load_default=list, validate=ma.validate.Length(max=200))
    dropped = ma.fields.List(ma.fields.UUID(), load_default=list, validate=ma.validate.Length(max=200))


_NOT_SHOWN = frozenset({"branch_id", "assignment_id", "level_since"})


def alert_json(alert: dict[str, Any]) -> dict[str, Any]:
    """`CrewAlertOut` as plain values: most of it the database has made already."""
    return {name: _plain(value) for name, value in alert.items() if name not in _NOT_SHOWN}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def ranking_json(ranking: Ranking) -> dict[str, Any]:
    """`CandidatesOut` as plain values: a schema's dump would cost more than the ranking."""
    return {
        "job_id": str(ranking.job.id),
        "at": ranking.at.isoformat(),
        "total": ranking.total,
        "ok_count": ranking.ok_count,
        "items": [_candidate_json(candidate, ranking) for candidate in ranking.candidates],
    }


def _candidate_json(candidate: Candidate, ranking: Ranking) -> dict[str, Any]:
    facts, trip = candidate.facts, candidate.trip
    age = None if facts.position_at is None else int((ranking.at - facts.position_at).total_seconds())
    place = None if facts.position is None else {"type": "Point", "coordinates": list(facts.position)}
    held = facts.busy_with
    return {
        "crew_id": str(facts.crew_id),
        "code": facts.code,
        "name_zh": facts.name_zh,
        "name_en": facts.name_en,
        "kind": facts.kind.value,
        "ok": candidate.ok,
        "distance_m": None if trip is None else round(trip.distance_m),
        "eta_s": None if trip is None else round(trip.eta_s),
        "estimated": trip is not None and trip.estimated,
        "location": place,
        "position_age_s": age,
        "duty_until": None if facts.duty_until is None else facts.duty_until.isoformat(),
        "grade": None if facts.grade is None else facts.grade.value,
        "busy_with": held and {"job_id": str(held.job_id), "number": held.number, "state": held.state.value},
        "reasons": [reason.as_json() for reason in candidate.reasons],
    }
