"""The day board: which crew does what when, on one day of a branch."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import marshmallow as ma

from app.crews.models import CrewKind
from app.dispatch import queries, rules
from app.jobs.models import EndReason, JobKind, JobState, Priority
from app.kernel.actor import Actor, Permission
from app.kernel.fields import choice
from app.kernel.paging import StrictSchema
from app.kernel.problems import FieldError, Invalid
from app.kernel.unit_of_work import UnitOfWork
from app.staff.models import Skill

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


class DayArgs(StrictSchema):
    """Which day of which branch: today, and the reader's own, unless named. With `job_id` only that job's bars."""

    day = ma.fields.Date()
    branch_id = ma.fields.UUID()
    job_id = ma.fields.UUID()


class ShiftOut(ma.Schema):
    """A span in which the crew is on duty; it may begin the day before or end the day after."""

    starts_at = ma.fields.AwareDateTime(required=True)
    ends_at = ma.fields.AwareDateTime(required=True)


class LaneOut(ma.Schema):
    """A crew with a shift in the day, or with a bar in it. `skills` are those somebody in it may use that day."""

    crew_id = ma.fields.UUID(required=True)
    code = ma.fields.String(required=True)
    name_zh = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    kind = choice(CrewKind, required=True)
    shifts = ma.fields.List(ma.fields.Nested(ShiftOut), required=True)
    skills = ma.fields.List(choice(Skill), required=True)


class BarOut(ma.Schema):
    """A crew's time for a job: booked (`live` is false, planned times), under way, or done (started, ended)."""

    id = ma.fields.UUID(required=True)
    job_id = ma.fields.UUID(required=True)
    crew_id = ma.fields.UUID(required=True)
    live = ma.fields.Boolean(required=True)
    planned_start = ma.fields.AwareDateTime(required=True, allow_none=True)
    planned_end = ma.fields.AwareDateTime(required=True, allow_none=True)
    started_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    ended_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    end_reason = choice(EndReason, required=True, allow_none=True)
    number = ma.fields.String(required=True)
    kind = choice(JobKind, required=True)
    state = choice(JobState, required=True)
    priority = choice(Priority, required=True)
    required_skill = choice(Skill, required=True)
    address = ma.fields.String(required=True)
    window_start = ma.fields.AwareDateTime(required=True, allow_none=True)
    window_end = ma.fields.AwareDateTime(required=True, allow_none=True)
    due_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    arrived_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class DayBoard(ma.Schema):
    """A day from midnight to midnight in the branch's time zone. `truncated` where it holds more than can be shown."""

    branch_id = ma.fields.UUID(required=True)
    day = ma.fields.Date(required=True)
    timezone = ma.fields.String(required=True)
    starts_at = ma.fields.AwareDateTime(required=True)
    ends_at = ma.fields.AwareDateTime(required=True)
    at = ma.fields.AwareDateTime(required=True)
    truncated = ma.fields.Boolean(required=True)
    lanes = ma.fields.List(ma.fields.Nested(LaneOut), required=True)
    bars = ma.fields.List(ma.fields.Nested(BarOut), required=True)


def day_board(
    uow: UnitOfWork, *, day: date | None = None, branch_id: UUID | None = None, job_id: UUID | None = None
) -> bytes:
    """`DayBoard` as the bytes of its JSON. Two queries, whatever the number of crews.

    Raises:
        NotFound: a branch where the actor has no grant.
        Forbidden: the actor does not read jobs there, or anywhere.
        Invalid: a day of another century.
    """
    branch = branch_id or _own_branch(uow.actor)
    uow.actor.must(Permission.READ_ALL_JOBS, branch)
    name = queries.branch_zone(uow.session, branch)
    day = day or uow.now.astimezone(ZoneInfo(name)).date()
    if not FIRST_DAY <= day <= LAST_DAY:
        raise Invalid(FieldError("day", "out_of_range"))
    start, end = rules.day_span(day, ZoneInfo(name))
    lanes, bars, truncated = queries.day_json(uow.session, branch, start=start, end=end, now=uow.now, job_id=job_id)
    head = _head(branch_id=branch, day=day, timezone=name, starts_at=start, ends_at=end, at=uow.now)
    return f'{{{head},"truncated":{"true" if truncated else "false"},"lanes":{lanes},"bars":{bars}}}'.encode()


def _own_branch(actor: Actor) -> UUID:
    """The reader's own branch, or the first in which they read jobs."""
    branches = actor.must_somewhere(Permission.READ_ALL_JOBS)
    return actor.home_branch_id if actor.home_branch_id in branches else branches[0]


def _head(**values: Any) -> str:
    """Members whose values need no escaping: ids, dates, times in UTC and names of zones."""
    texts = {name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
             for name, value in values.items()}  # fmt: skip
    return ",".join(f'"{name}":"{value}"' for name, value in texts.items())
