"""Who can be sent and in which order, each with its reasons. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.crews.models import CrewKind
from app.dispatch.errors import CrewNotQualified, CrewOffDuty, OutsideShift
from app.dispatch.models import AlertKind
from app.identity.models import Role
from app.jobs.errors import CrewBusy, VisitOverlap
from app.jobs.models import JobState
from app.kernel.problems import FieldError, Invalid, Problem
from app.staff.models import Grade, Skill

# Who is told of a crew that does not go, one after the other. Assumption: no source names the order.
CHAIN = (Role.DISPATCHER, Role.TEAM_LEADER, Role.MANAGER)
NAMED = 3  # people of a level who are told by name; the others stand behind the same desk

LOST_AFTER = timedelta(hours=24)  # a place that old says nothing about where the crew is
STALE_AFTER = timedelta(minutes=15)  # a tablet with a link reports every minute or so
VISIT_TAKES = timedelta(minutes=60)  # until durations are learned: what a booked visit must not be overtaken by

BOOKED_AHEAD = timedelta(days=400)  # a year and a little; further ahead is a slip of the pen


@dataclass(frozen=True)
class Held:
    """The job a crew is on."""

    job_id: UUID
    number: str
    state: JobState


@dataclass(frozen=True)
class CrewFacts:
    """What is known of a crew at one moment. `grade` is the best valid one for the skill asked for.

    `declined`: it was sent to this job before and did not go. A `position` that is lost (`LOST_AFTER`) is None, and
    `position_at` still says when the crew was last heard from.
    """

    crew_id: UUID
    code: str
    name_zh: str
    name_en: str
    kind: CrewKind
    position: tuple[float, float] | None
    position_at: datetime | None
    duty_until: datetime | None
    busy_with: Held | None
    grade: Grade | None
    expired: bool
    next_visit_at: datetime | None
    next_visit_number: str | None
    declined: AlertKind | None = None


@dataclass(frozen=True)
class Trip:
    """How a crew would get there; metres and seconds, `estimated` from the straight line."""

    distance_m: float
    eta_s: float
    estimated: bool


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for (`good`) or against a crew. The screen words it from the code and its figures."""

    code: str
    good: bool
    params: dict[str, Any]
    blocks: bool = False

    def as_json(self) -> dict[str, Any]:
        """As it is stored with the assignment and shown."""
        return {"code": self.code, "good": self.good, "blocks": self.blocks, "params": self.params}


@dataclass(frozen=True)
class Candidate:
    """A crew with its trip and what speaks for and against it."""

    facts: CrewFacts
    trip: Trip | None
    reasons: list[Reason]

    @property
    def ok(self) -> bool:
        """Nothing forbids sending it."""
        return not any(reason.blocks for reason in self.reasons)


@dataclass(frozen=True)
class Need:
    """What the job asks of a crew."""

    skill: Skill
    due_at: datetime | None
    now: datetime


def judge(facts: CrewFacts, trip: Trip | None, need: Need) -> Candidate:
    """One crew's case: skill, duty, other work, position, arrival."""
    reasons = [_skill(facts, need), _duty(facts)]
    reasons += _other_work(facts, trip, need)
    reasons += _position(facts, trip, need)
    reasons += _arrival(trip, need)
    if facts.declined is not None:
        reasons.append(Reason("declined", False, {"how": facts.declined.value}))
    return Candidate(facts, trip, reasons)


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that can be sent first, by arrival, then grade; those that did not go before come after the others."""
    order = sorted(candidates, key=_place)
    near = min((one for one in order if one.ok and one.trip is not None), key=_eta, default=None)
    if near is not None:
        near.reasons.insert(0, Reason("nearest", True, {}))
    return order


def refusal(candidate: Candidate) -> Problem | None:
    """The problem to answer with when this crew is sent nevertheless; None when it can be."""
    facts = candidate.facts
    blocking = {reason.code: reason.params for reason in candidate.reasons if reason.blocks}
    if "busy" in blocking:
        return CrewBusy(crew_id=str(facts.crew_id), crew=facts.code, **blocking["busy"])
    if "off_duty" in blocking:
        return CrewOffDuty(crew_id=str(facts.crew_id), crew=facts.code)
    for code in ("no_skill", "skill_expired"):
        if code in blocking:
            return CrewNotQualified(crew_id=str(facts.crew_id), crew=facts.code, reason=code, **blocking[code])
    return None


@dataclass(frozen=True)
class Visit:
    """A span of a crew's time that is booked, or asked for."""

    start: datetime
    end: datetime
    number: str | None = None


def check_times(wanted: Visit, now: datetime) -> None:
    """Refuse a visit that is over before it is booked, ends before it begins, or lies years ahead.

    Raises:
        Invalid: `planned_end` is `not_after_start` or `in_past`, `planned_start` is `out_of_range`.
    """
    if wanted.end <= wanted.start:
        raise Invalid(FieldError("planned_end", "not_after_start"))
    if wanted.end <= now:
        raise Invalid(FieldError("planned_end", "in_past"))
    if wanted.start > now + BOOKED_AHEAD:
        raise Invalid(FieldError("planned_start", "out_of_range", {"days": BOOKED_AHEAD.days}))


def check_visit(crew: CrewFacts, wanted: Visit, clash: Visit | None, need: Need) -> list[Reason]:
    """What speaks for this crew at that time; `crew` is known as of the visit's start.

    Raises:
        CrewNotQualified: nobody in it holds the skill then.
        OutsideShift: no shift covers the whole visit.
        VisitOverlap: `clash` is in the way.
    """
    who = {"crew_id": str(crew.crew_id), "crew": crew.code}
    skill = _skill(crew, need)
    if skill.blocks:
        raise CrewNotQualified(**who, reason=skill.code, **skill.params)
    if crew.duty_until is None or crew.duty_until < wanted.end:
        until = None if crew.duty_until is None else crew.duty_until.isoformat()
        raise OutsideShift(**who, on_duty_until=until)
    if clash is not None:
        raise VisitOverlap(
            **who, job_number=clash.number, planned_start=clash.start.isoformat(), planned_end=clash.end.isoformat()
        )
    return [skill, _duty(crew)]


def day_span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From midnight to midnight where the branch is: 23 or 25 hours where clocks change."""
    start = datetime.combine(day, time(), zone)
    return start.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


GRADES = {None: 0, Grade.JUNIOR: 1, Grade.INTERMEDIATE: 2, Grade.SENIOR: 3}


def _place(candidate: Candidate) -> tuple[bool, bool, float, int, str]:
    facts = candidate.facts
    return (not candidate.ok, facts.declined is not None, _eta(candidate), -GRADES[facts.grade], facts.code)


def _eta(candidate: Candidate) -> float:
    return float("inf") if candidate.trip is None else candidate.trip.eta_s


def _skill(facts: CrewFacts, need: Need) -> Reason:
    if facts.grade is not None:
        return Reason("skill", True, {"skill": need.skill.value, "grade": facts.grade.value})
    return Reason("skill_expired" if facts.expired else "no_skill", False, {"skill": need.skill.value}, blocks=True)


def _duty(facts: CrewFacts) -> Reason:
    if facts.duty_until is None:
        return Reason("off_duty", False, {}, blocks=True)
    return Reason("on_duty", True, {"until": facts.duty_until.isoformat()})


def _other_work(facts: CrewFacts, trip: Trip | None, need: Need) -> list[Reason]:
    if facts.busy_with is not None:
        held = facts.busy_with
        figures = {"job_id": str(held.job_id), "job_number": held.number, "state": held.state.value}
        return [Reason("busy", False, figures, blocks=True)]
    free_at = need.now + timedelta(seconds=0.0 if trip is None else trip.eta_s) + VISIT_TAKES
    if facts.next_visit_at is not None and facts.next_visit_at < free_at:
        figures = {"job_number": facts.next_visit_number or "", "at": facts.next_visit_at.isoformat()}
        return [Reason("breaks_visit", False, figures)]
    return []


def _position(facts: CrewFacts, trip: Trip | None, need: Need) -> list[Reason]:
    if facts.position_at is None:
        return [Reason("no_position", False, {})]
    age = need.now - facts.position_at
    if trip is None:
        return [Reason("position_lost", False, {"age_s": int(age.total_seconds())})]
    reasons = []
    if age > STALE_AFTER:
        reasons.append(Reason("position_stale", False, {"age_s": int(age.total_seconds())}))
    if trip.estimated:
        reasons.append(Reason("estimated", False, {}))
    return reasons


def _arrival(trip: Trip | None, need: Need) -> list[Reason]:
    if trip is None or need.due_at is None:
        return []
    spare_s = int((need.due_at - need.now).total_seconds() - trip.eta_s)
    if spare_s < 0:
        return [Reason("late", False, {"late_s": -spare_s, "due_at": need.due_at.isoformat()})]
    return [Reason("in_time", True, {"spare_s": spare_s, "due_at": need.due_at.isoformat()})]
