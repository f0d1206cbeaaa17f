"""When limits run out: time arithmetic over pauses, days, holidays, midnight and the change of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.customers.models import AreaKind
from app.deadlines.models import Clock
from app.deadlines.posted import calendar, limits
from app.deadlines.rules import Calendar, Pause, State, Times, Unit, clocks, merged, runs_out
from app.jobs.models import JobKind

SHANGHAI = calendar("Asia/Shanghai")
BERLIN = Calendar(ZoneInfo("Europe/Berlin"))  # puts its clocks on and back
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 20), timezones=st.just(UTC))  # noqa: DTZ001
SPANS = st.timedeltas(timedelta(), timedelta(days=4))
PAUSES = st.lists(st.builds(lambda begin, length: (begin, begin + length), MOMENTS, SPANS), max_size=5)
CALENDARS = st.sampled_from([SHANGHAI, BERLIN])
UNITS = st.sampled_from(list(Unit))
VALUES = st.integers(1, 12)
few = settings(max_examples=60, deadline=None)


def stood_still(pauses: list[Pause], first: datetime, last: datetime) -> timedelta:
    overlaps = (min(end, last) - max(begin, first) for begin, end in merged(pauses))
    return sum((part for part in overlaps if part > timedelta()), timedelta())


@few
@given(VALUES, st.sampled_from([Unit.MINUTES, Unit.HOURS]), MOMENTS, CALENDARS, PAUSES)
def test_the_clock_runs_for_as_long_as_the_limit_says(
    value: int, unit: Unit, start: datetime, days: Calendar, pauses: list[Pause]
) -> None:
    due = runs_out(value, unit, start, days, pauses)
    length = timedelta(minutes=value * (1 if unit is Unit.MINUTES else 60))
    assert due - start - stood_still(pauses, start, due) == length


@few
@given(VALUES, UNITS, MOMENTS, CALENDARS, PAUSES, PAUSES)
def test_more_of_a_limit_or_of_pauses_never_runs_out_sooner(
    value: int, unit: Unit, start: datetime, days: Calendar, some: list[Pause], more: list[Pause]
) -> None:
    due = runs_out(value, unit, start, days, some)
    assert runs_out(value + 1, unit, start, days, some) > due > start
    assert runs_out(value, unit, start, days, some + more) >= due
    assert runs_out(value, unit, start, days, [*reversed(some), *some]) == due


@few
@given(VALUES, MOMENTS, CALENDARS)
def test_as_many_working_days_as_it_says_lie_between_the_day_it_began_and_its_end(
    value: int, start: datetime, days: Calendar
) -> None:
    due = runs_out(value, Unit.WORKING_DAYS, start, days)
    there = due.astimezone(days.zone)
    assert (there.hour, there.minute, there.second) == (0, 0, 0)
    first, last = days.day_of(start), there.date() - timedelta(days=1)
    between = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    assert sum(map(days.is_working, between)) == value
    assert days.is_working(last)


@pytest.mark.parametrize(
    ("value", "unit", "start", "due"),
    [
        (45, Unit.MINUTES, "2026-07-16T23:40:00+08:00", "2026-07-17T00:25:00+08:00"),  # over midnight
        (3, Unit.DAYS, "2026-07-16T23:59:59+08:00", "2026-07-20T00:00:00+08:00"),
        (4, Unit.WORKING_DAYS, "2026-07-16T09:00:00+08:00", "2026-07-23T00:00:00+08:00"),  # over a weekend
        (4, Unit.WORKING_DAYS, "2026-09-30T09:00:00+08:00", "2026-10-13T00:00:00+08:00"),  # 10 October is worked
        (1, Unit.WORKING_DAYS, "2026-02-13T17:00:00+08:00", "2026-02-15T00:00:00+08:00"),  # Saturday before New Year
        (2, Unit.WORKING_DAYS, "2026-02-13T17:00:00+08:00", "2026-02-25T00:00:00+08:00"),
    ],
)
def test_limits_over_midnight_weekends_and_holidays(value: int, unit: Unit, start: str, due: str) -> None:
    assert runs_out(value, unit, datetime.fromisoformat(start), SHANGHAI) == datetime.fromisoformat(due)


def test_hours_are_hours_where_clocks_are_put_on() -> None:
    evening = datetime(2026, 3, 28, 23, 0, tzinfo=BERLIN.zone)
    assert runs_out(4, Unit.HOURS, evening.astimezone(UTC), BERLIN) == datetime(2026, 3, 29, 4, 0, tzinfo=BERLIN.zone)
    assert runs_out(1, Unit.DAYS, evening.astimezone(UTC), BERLIN) == datetime(2026, 3, 30, tzinfo=BERLIN.zone)


def test_a_day_counts_unless_the_clock_stood_still_through_all_of_it() -> None:
    start = datetime(2026, 7, 13, 9, 0, tzinfo=SHANGHAI.zone)
    day = lambda n, hour=0: datetime(2026, 7, n, hour, tzinfo=SHANGHAI.zone)  # noqa: E731
    assert runs_out(2, Unit.WORKING_DAYS, start, SHANGHAI, [(day(14, 1), day(15))]) == day(16)
    assert runs_out(2, Unit.WORKING_DAYS, start, SHANGHAI, [(day(14), day(15))]) == day(17)


OPENED = datetime(2026, 7, 16, 0, 0, tzinfo=UTC)


def states(now_min: int, **times: datetime | None) -> dict[str, State]:
    now = OPENED + timedelta(minutes=now_min)
    paused_at = times.pop("paused_at", None)
    job = Times(JobKind.OUTAGE_REPAIR, AreaKind.CITY, cancelled=False, opened_at=OPENED, **times)  # type: ignore[arg-type]
    found = clocks(job, limits(), SHANGHAI, [] if paused_at is None else [(paused_at, None)], now)
    return {one.limit.code: one.state for one in found}


def test_a_repairs_clocks_run_become_soon_and_are_missed_or_met() -> None:
    minute = timedelta(minutes=1)
    arrival, standard, restore = "power.arrival.promise", "power.arrival.standard", "power.restore.after_arrival"
    assert states(0)[arrival] is State.RUNNING
    assert states(0)[restore] is State.WAITING
    assert (states(34)[arrival], states(34)[standard]) == (State.SOON, State.RUNNING)
    assert (states(45)[arrival], states(46)[arrival]) == (State.SOON, State.MISSED)
    assert states(50, arrived_at=OPENED + 45 * minute)[arrival] is State.MET
    assert states(50, arrived_at=OPENED + 46 * minute)[arrival] is State.LATE
    assert states(50, arrived_at=OPENED + 46 * minute)[restore] is State.RUNNING
    assert states(500, paused_at=OPENED + 20 * minute)[arrival] is State.PAUSED
    assert states(20)["power.restore.expected"] is State.RUNNING


def test_the_clock_that_runs_out_next_comes_first() -> None:
    job = Times(JobKind.OUTAGE_REPAIR, AreaKind.REMOTE, cancelled=False, opened_at=OPENED)
    found = clocks(job, limits(), SHANGHAI, [], OPENED)
    assert [one.limit.clock for one in found] == [Clock.PROMISE, Clock.LAW, Clock.EXPECTATION]


def test_where_the_area_is_not_known_the_shortest_limit_counts() -> None:
    job = Times(JobKind.OUTAGE_REPAIR, None, cancelled=False, opened_at=OPENED)
    assert {one.limit.area_kind for one in clocks(job, limits(), SHANGHAI, [], OPENED)} == {AreaKind.CITY}


def test_every_posted_rule_names_its_source_and_how_sure_it_is() -> None:
    assert all(limit.source and limit.confidence in "ABCD" and limit.value > 0 for limit in limits())
    keys = [(limit.code, limit.area_kind) for limit in limits()]
    assert len(keys) == len(set(keys))
    assert len(SHANGHAI.off) == 3 + 9 + 3 + 5 + 3 + 3 + 7
    assert date(2026, 10, 10) in SHANGHAI.worked
