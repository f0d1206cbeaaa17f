"""A branch's day as numbers for the solver, and its answer as lines. No database, no clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from app.dispatch.rules import GRADES, VISIT_TAKES
from app.jobs.models import JobKind, Priority
from app.solver.model import (
    Booked,
    Break,
    Certificate,
    Crew,
    Matrix,
    Pin,
    Problem,
    Requirement,
    Tier,
    Visit,
    Window,
)
from app.staff.models import Grade

LUNCH = (timedelta(hours=11), timedelta(hours=13), timedelta(minutes=30))  # begins between, of the local day, lasts
LUNCH_FROM = timedelta(hours=6)  # of a shift; shorter ones have none
LEAD = timedelta(minutes=30)  # what begins sooner than this is left alone
AGREED = 3_600  # a booked visit without a promised window may move this far
MINUTE = 60
FAR = 7 * 24 * 3_600  # a way that does not exist

TAKES: Mapping[JobKind, int] = {
    JobKind.INSPECTION: 40 * MINUTE,
    JobKind.METERING: 40 * MINUTE,
    JobKind.GAS_IGNITION: 60 * MINUTE,
    JobKind.GAS_ALTERATION: 120 * MINUTE,
    JobKind.CARE_VISIT: 45 * MINUTE,
}
URGENCY = {Priority.NORMAL: 0, Priority.URGENT: 50, Priority.EMERGENCY: 100}


@dataclass(frozen=True)
class Rows:
    """What the database says of a day: shifts, certificates, visits, taken times, who knows whom."""

    shifts: Sequence[Any]
    certificates: Sequence[Any]
    visits: Sequence[Any]
    taken: Sequence[Any]
    known: Mapping[UUID, set[UUID]]

    @property
    def places(self) -> list[tuple[float, float]]:
        """Where crews begin, then where visits are: the rows of the travel matrix."""
        return [(row.lon, row.lat) for row in (*self.shifts, *self.visits)]


def whole_minutes(seconds: Any) -> Matrix:
    """Ways in whole minutes, rounded up: no detour becomes a short cut, and visits begin on the minute."""
    finite = np.where(np.isfinite(seconds), seconds, FAR)
    cells = (np.ceil(np.minimum(finite, FAR) / MINUTE) * MINUTE).astype(np.int32)
    np.fill_diagonal(cells, 0)
    return cells


def problem_of(rows: Rows, travel: Matrix, *, start: datetime, now: datetime) -> Problem:
    """The day; seconds count from `start`, its midnight. Crews and visits are named by their places in `rows`."""
    since = Since(start)
    earliest = math.ceil(max(0, since(now + LEAD)) / MINUTE) * MINUTE
    held = _by_crew(rows.certificates)
    taken = _by_crew([*rows.taken, *(row for row in rows.visits if _soon(row, now))])
    crews = [_crew(place, row, held, taken, since, earliest) for place, row in enumerate(rows.shifts)]
    of_crew: dict[UUID, list[int]] = {}
    for place, row in enumerate(rows.shifts):
        of_crew.setdefault(row.crew_id, []).append(place)
    visits = [_visit(place, row, rows, of_crew, since) for place, row in enumerate(rows.visits)]
    work = sum(visit.service + 10 * MINUTE for visit in visits)
    fair = math.ceil(1.15 * work / len(crews)) if crews else None
    return Problem(tuple(crews), tuple(visits), travel, fair_work=fair)


@dataclass(frozen=True)
class Since:
    """Seconds from the plan's epoch."""

    epoch: datetime

    def __call__(self, at: datetime) -> int:
        return int((at - self.epoch).total_seconds())

    def at(self, second: int) -> datetime:
        """The moment again."""
        return self.epoch + timedelta(seconds=second)


def _soon(row: Any, now: datetime) -> bool:
    return row.booking_id is not None and bool(row.planned_start < now + LEAD)


def left_alone(rows: Rows, now: datetime) -> Rows:
    """The day without visits that begin too soon to be planned anew: they stay where they are, as taken time."""
    soon = [row for row in rows.visits if _soon(row, now)]
    visits = [row for row in rows.visits if not _soon(row, now)]
    return Rows(rows.shifts, rows.certificates, visits, [*rows.taken, *soon], rows.known)


def _by_crew(rows: Iterable[Any]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.crew_id, []).append(row)
    return found


def _crew(
    place: int, row: Any, held: Mapping[UUID, list[Any]], taken: Mapping[UUID, list[Any]], since: Since, earliest: int
) -> Crew:
    shift = Window(max(since(row.starts_at), earliest), since(row.ends_at))
    cards = (Certificate(one.skill, GRADES[Grade(one.grade)], Window(since(one.valid_from), since(one.valid_until)))
             for one in held.get(row.crew_id, []))  # fmt: skip
    busy = [_busy(one, since) for one in taken.get(row.crew_id, [])
            if shift.start <= since(one.planned_start) < shift.end]  # fmt: skip
    return Crew(row.code, shift, place, place, tuple(cards), (*_lunch(shift, busy), *busy))


def _busy(row: Any, since: Since) -> Break:
    """Time that is taken, as a rest at a fixed time: nothing else is planned into it."""
    start = since(row.planned_start)
    return Break(Window(start, start), since(row.planned_end) - start)


def _lunch(shift: Window, busy: Sequence[Break]) -> Iterable[Break]:
    """Lunch within the shift, unless something is taken then already."""
    first, last, lasts = (int(one.total_seconds()) for one in LUNCH)
    window = Window(max(first, shift.start), min(last, shift.end - lasts))
    clash = any(one.window.start < window.end + lasts and window.start < one.window.start + one.lasts for one in busy)
    if shift.end - shift.start >= LUNCH_FROM.total_seconds() and window.start <= window.end and not clash:
        yield Break(window, lasts)


def _visit(place: int, row: Any, rows: Rows, of_crew: Mapping[UUID, list[int]], since: Since) -> Visit:
    crews = of_crew.get(row.crew_id, ())
    booked = Booked((crews[0],), since(row.planned_start)) if row.booking_id is not None and crews else None
    wish = {crew for known in rows.known.get(row.premises_id, ()) for crew in of_crew.get(known, ())}
    return Visit(
        str(row.id),
        len(rows.shifts) + place,
        _takes(row),
        (Requirement(row.required_skill),),
        windows=_windows(row, since),
        due=None if row.due_at is None else since(row.due_at),
        tier=Tier(row.tier or 0),
        priority=URGENCY[Priority(row.priority)],
        wish=frozenset(wish),
        pin=Pin.FREE if row.booking_id is None else Pin.SAME_DAY,
        booked=booked,
    )


def _takes(row: Any) -> int:
    """As long as it was booked for, else as long as its kind takes, in whole minutes."""
    if row.booking_id is not None:
        lasts: timedelta = row.planned_end - row.planned_start
        return math.ceil(lasts.total_seconds() / MINUTE) * MINUTE
    return TAKES.get(JobKind(row.kind), int(VISIT_TAKES.total_seconds()))


def _windows(row: Any, since: Since) -> tuple[Window, ...]:
    """What was promised; else near the time that was booked; else any time. Whole minutes, inwards."""
    if row.window_start is not None or row.window_end is not None:
        start = 0 if row.window_start is None else since(row.window_start)
        end = 48 * 3_600 if row.window_end is None else since(row.window_end)
        first = math.ceil(max(0, start) / MINUTE) * MINUTE
        return (Window(first, max(first, end // MINUTE * MINUTE)),)
    if row.booking_id is not None:
        begins = since(row.planned_start) // MINUTE * MINUTE
        return (Window(max(0, begins - AGREED), begins + AGREED),)
    return ()
