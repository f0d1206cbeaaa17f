"""When a limit runs out and where its clock stands. Pure: times, days and pauses in, times out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from app.customers.models import AreaKind
from app.deadlines.models import Clock, Milestone
from app.jobs.models import JobKind

Pause: TypeAlias = tuple[datetime, datetime]


class Unit(StrEnum):
    """How a limit is counted: in time, in days of the calendar, in working days."""

    MINUTES = "min"
    HOURS = "h"
    DAYS = "d"
    WORKING_DAYS = "working_d"


class Start(StrEnum):
    """What starts a clock."""

    OPENED = "opened"
    ARRIVED = "arrived"
    WINDOW_END = "window_end"


class State(StrEnum):
    """Where a clock stands. `late`: reached, but after the limit."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    SOON = "soon"
    MISSED = "missed"
    MET = "met"
    LATE = "late"
    VOID = "void"


BREACHED = frozenset({State.MISSED, State.LATE})
TICKING = frozenset({State.RUNNING, State.SOON, State.PAUSED})


@dataclass(frozen=True)
class Limit:
    """One posted rule, for one kind of job and area (None: any)."""

    code: str
    job_kind: JobKind | None
    clock: Clock
    milestone: Milestone
    area_kind: AreaKind | None
    value: int
    unit: Unit
    start_event: Start
    limit_type: str
    source: str
    edition: str
    source_zh: str  # source and edition as a Chinese reader names them
    confidence: str
    item: str


@dataclass(frozen=True)
class Calendar:
    """A branch's days: its zone, and the days that differ from an ordinary week."""

    zone: ZoneInfo
    off: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        """Whether offices work on this day."""
        return day in self.worked or (day.weekday() < 5 and day not in self.off)

    def day_of(self, moment: datetime) -> date:
        """The day it is there."""
        return moment.astimezone(self.zone).date()

    def begins(self, day: date) -> datetime:
        """The first moment of a day there, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def runs_out(value: int, unit: Unit, start: datetime, calendar: Calendar, pauses: Iterable[Pause] = ()) -> datetime:
    """When a limit that began at `start` runs out.

    Minutes and hours are time in which the clock ran. Days are counted from the day after the start and end with the
    last one, at midnight there; a day counts unless the clock stood still through all of it.
    """
    still = merged(pauses)
    if unit in {Unit.MINUTES, Unit.HOURS}:
        return _after_time(timedelta(minutes=value if unit is Unit.MINUTES else value * 60), start, still)
    return _after_days(value, unit, start, calendar, still)


def merged(pauses: Iterable[Pause]) -> list[Pause]:
    """The pauses in order, those that touch made one, empty ones left out."""
    found: list[Pause] = []
    for begin, end in sorted(pause for pause in pauses if pause[0] < pause[1]):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def _after_time(left: timedelta, start: datetime, still: Sequence[Pause]) -> datetime:
    at = start
    for begin, end in still:
        if begin - at >= left:
            break
        if end > at:
            left -= max(begin - at, timedelta())
            at = end
    return at + left


def _after_days(left: int, unit: Unit, start: datetime, calendar: Calendar, still: Sequence[Pause]) -> datetime:
    day = calendar.day_of(start)
    while left:
        day += timedelta(days=1)
        if unit is Unit.WORKING_DAYS and not calendar.is_working(day):
            continue
        first, last = calendar.begins(day), calendar.begins(day + timedelta(days=1))
        if not any(begin <= first and last <= end for begin, end in still):
            left -= 1
    return calendar.begins(day + timedelta(days=1))


@dataclass(frozen=True)
class Times:
    """What of a job its clocks go by. `area` None: not known, the shortest limit counts."""

    kind: JobKind
    area: AreaKind | None
    cancelled: bool
    opened_at: datetime
    window_end: datetime | None = None
    arrived_at: datetime | None = None
    restored_at: datetime | None = None
    completed_at: datetime | None = None

    def began(self, event: Start) -> datetime | None:
        """When the start event was; None while it has not been."""
        return {Start.OPENED: self.opened_at, Start.ARRIVED: self.arrived_at, Start.WINDOW_END: self.window_end}[event]

    def reached(self, milestone: Milestone) -> datetime | None:
        """When the milestone was reached; a later one stands for one that was passed over."""
        passed = {
            Milestone.ARRIVED: (self.arrived_at, self.restored_at, self.completed_at),
            Milestone.RESTORED: (self.restored_at, self.completed_at),
            Milestone.COMPLETED: (self.completed_at,),
        }[milestone]
        return next((moment for moment in passed if moment is not None), None)


@dataclass(frozen=True)
class Running:
    """A clock of a job: its rule, when it began, when it runs out, when it was reached, where it stands."""

    limit: Limit
    began_at: datetime | None
    due_at: datetime | None
    reached_at: datetime | None
    state: State


SOON_SHARE = 4  # the last quarter of a limit is soon, and never less than ten minutes of it
SOON_LEAST = timedelta(minutes=10)


def clocks(
    times: Times, limits: Iterable[Limit], calendar: Calendar, pauses: Iterable[tuple[datetime, datetime | None]],
    now: datetime,
) -> list[Running]:  # fmt: skip
    """The clocks of a job, the one that runs out next first. A pause without an end lasts until now."""
    all_pauses = list(pauses)
    still = [(begin, end or now) for begin, end in all_pauses]
    paused = any(end is None for _, end in all_pauses)
    found = [_clock(times, limit, calendar, still, now, paused) for limit in _fitting(times, limits)]
    return sorted(found, key=lambda one: (one.state not in TICKING, one.due_at is None, one.due_at, one.limit.code))


def _fitting(times: Times, limits: Iterable[Limit]) -> list[Limit]:
    """One limit of each code: that of the area, or the shortest where the area is not known."""
    found: dict[str, Limit] = {}
    for limit in limits:
        fits_kind = limit.job_kind in {None, times.kind}
        fits_area = times.area is None or limit.area_kind in {None, times.area}
        if fits_kind and fits_area and (limit.code not in found or limit.value < found[limit.code].value):
            found[limit.code] = limit
    return [limit for limit in found.values() if limit.start_event is not Start.WINDOW_END or times.window_end]


def _clock(
    times: Times, limit: Limit, calendar: Calendar, still: Sequence[Pause], now: datetime, paused: bool
) -> Running:
    began = times.began(limit.start_event)
    if began is None:
        state = State.VOID if times.cancelled or times.completed_at else State.WAITING
        return Running(limit, None, None, None, state)
    due, reached = runs_out(limit.value, limit.unit, began, calendar, still), times.reached(limit.milestone)
    return Running(limit, began, due, reached, _state(times, began, due, reached, now, paused))


def _state(
    times: Times, began: datetime, due: datetime, reached: datetime | None, now: datetime, paused: bool
) -> State:
    if reached is not None:
        return State.MET if reached <= due else State.LATE
    if times.cancelled:
        return State.VOID
    if now > due:
        return State.MISSED
    if paused:
        return State.PAUSED
    return State.SOON if due - now <= max((due - began) / SOON_SHARE, SOON_LEAST) else State.RUNNING
