"""The indices: the published sample circuit, and what must hold of any interruptions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import exp
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.reliability.models import CauseClass
from app.reliability.rules import (
    Counts,
    Lost,
    Standard,
    by_day,
    indices,
    major_threshold,
    minutes_between,
    years_before,
)

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 1, 2, tzinfo=UTC)
LATER = START + timedelta(days=400)
YEAR_MINUTES = 365 * 24 * 60.0


def lost(
    begun: datetime,
    lasted: timedelta | None,
    *,
    point: object = 1,
    customers: int = 1,
    cause: CauseClass = CauseClass.FAULT,
) -> Lost:
    return Lost(point, cause, begun, None if lasted is None else begun + lasted, customers)  # type: ignore[arg-type]


def total(
    *them: Lost, standard: Standard = Standard.IEEE_1366, zone: ZoneInfo = SHANGHAI, now: datetime = LATER
) -> Counts:
    return sum(by_day(them, zone=zone, standard=standard, now=now).values(), Counts())


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_the_published_sample_circuit_gives_the_published_indices() -> None:
    # IEEE 1366, sample system of 2,000 customers: seven sustained interruptions (min:s) and two momentary ones.
    sample = [(8, 10, 200), (71, 19, 600), (30, 14, 25), (267, 11, 90), (120, 0, 700), (10, 0, 1500), (40, 0, 100)]
    sample += [(0, 30, 400), (1, 0, 2000)]
    circuit = [
        lost(START + timedelta(days=n), timedelta(minutes=m, seconds=s), point=n, customers=count)
        for n, (m, s, count) in enumerate(sample)
    ]
    found = indices(total(*circuit), customers=2000, minutes=YEAR_MINUTES)
    assert found.saifi == pytest.approx(1.6075)
    assert found.saidi == pytest.approx(86.113, abs=5e-4)
    assert found.caidi == pytest.approx(53.569, abs=5e-4)
    assert found.asai == pytest.approx(0.999836, abs=5e-7)


@pytest.mark.parametrize(("standard", "sustained"), [(Standard.IEEE_1366, 1), (Standard.DLT_836, 3)])
def test_the_standard_says_what_is_sustained(standard: Standard, sustained: int) -> None:
    them = [lost(START + timedelta(days=n), minutes(long)) for n, long in enumerate((3, 3.5, 5, 5.5))]
    counts = total(*them, standard=standard)
    assert (counts.sustained, counts.momentary) == (sustained, 4 - sustained)


def test_an_interruption_that_still_lasts_counts_once_it_is_sustained() -> None:
    still = lost(START, None, customers=7)
    assert total(still, now=START + minutes(4)) == Counts()
    assert total(still, now=START + minutes(30)) == Counts(sustained=7, minutes=210)


def test_planned_and_fault_are_told_apart() -> None:
    them = [lost(START, minutes(60)), lost(START, minutes(30), point=2, cause=CauseClass.PLANNED)]
    days = by_day(them, zone=SHANGHAI, standard=Standard.IEEE_1366, now=LATER)
    assert {cause: counts.minutes for (_, cause), counts in days.items()} == {
        CauseClass.FAULT: 60,
        CauseClass.PLANNED: 30,
    }


def test_minutes_after_midnight_belong_to_the_day_on_which_it_began() -> None:
    before_midnight = datetime(2026, 3, 1, 23, 30, tzinfo=SHANGHAI)
    days = by_day([lost(before_midnight, minutes(90))], zone=SHANGHAI, standard=Standard.DLT_836, now=LATER)
    assert {day: counts.minutes for (day, _), counts in days.items()} == {date(2026, 3, 1): 90}


def test_tries_of_a_recloser_are_one_event_and_none_before_it_gives_up() -> None:
    tries = [lost(START + minutes(at), timedelta(seconds=20), customers=50) for at in (0, 1, 2)]
    assert total(*tries) == Counts(momentary=150, momentary_events=50)
    assert total(*tries, lost(START + minutes(3), minutes(40), customers=50)) == Counts(50, 2000, 150, 0)
    assert total(*tries, lost(START + minutes(30), timedelta(seconds=9), customers=50)).momentary_events == 100


def test_clocks_that_change_make_no_minute_and_lose_none() -> None:
    over_the_change = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # 01:30 in Berlin, half an hour before the clocks go on
    assert total(lost(over_the_change, minutes(60)), zone=BERLIN).minutes == 60
    assert minutes_between(date(2026, 3, 29), date(2026, 3, 29), BERLIN) == 23 * 60
    assert minutes_between(date(2026, 10, 25), date(2026, 10, 25), BERLIN) == 25 * 60
    assert minutes_between(date(2026, 1, 1), date(2026, 12, 31), SHANGHAI) == YEAR_MINUTES


def test_without_customers_there_are_no_indices_and_without_interruptions_no_mean_of_them() -> None:
    assert indices(Counts(), customers=0, minutes=1).saidi is None
    quiet = indices(Counts(), customers=10, minutes=1440)
    assert (quiet.saidi, quiet.saifi, quiet.caidi, quiet.asai) == (0, 0, None, 1)


def test_log_normal_days_give_back_their_threshold_and_about_the_expected_major_days() -> None:
    days = np.exp(np.random.default_rng(1).normal(-3.0, 2.0, 5 * 365)).tolist()
    threshold = major_threshold([*days, *[0.0] * 40])
    assert threshold is not None
    assert threshold.days == len(days)
    assert threshold.alpha == pytest.approx(-3.0, abs=0.15)
    assert threshold.beta == pytest.approx(2.0, abs=0.1)
    assert threshold.t_med == pytest.approx(exp(threshold.alpha + 2.5 * threshold.beta))
    assert 4 <= sum(day > threshold.t_med for day in days) <= 20  # 0.62 % of 1,825 are 11.3


def test_days_too_few_for_a_deviation_give_no_threshold() -> None:
    assert major_threshold([0.0, 0.4]) is None
    assert years_before(date(2026, 7, 16)) == (date(2021, 1, 1), date(2025, 12, 31))


@st.composite
def interruptions(draw: st.DrawFn) -> list[Lost]:
    """A few service points, each out several times without overlap, some still."""
    found = []
    for point in range(draw(st.integers(1, 4))):
        at, customers = START, draw(st.integers(1, 9))
        for _ in range(draw(st.integers(0, 5))):
            at += timedelta(seconds=draw(st.integers(1, 1200)))
            lasted = timedelta(seconds=draw(st.integers(1, 1200)))
            cause = draw(st.sampled_from(CauseClass))
            found.append(lost(at, lasted, point=point, customers=customers, cause=cause))
            at += lasted
    return found


@settings(max_examples=40, deadline=None)
@given(interruptions(), st.sampled_from(Standard))
def test_caidi_is_saidi_over_saifi(them: list[Lost], standard: Standard) -> None:
    found = indices(total(*them, standard=standard), customers=40, minutes=YEAR_MINUTES)
    if found.saifi:
        assert found.caidi == pytest.approx(found.saidi / found.saifi)  # type: ignore[operator]


@settings(max_examples=40, deadline=None)
@given(interruptions(), st.data())
def test_a_stage_more_with_the_same_times_changes_nothing(them: list[Lost], data: st.DataObject) -> None:
    split = []
    for one in them:
        first = data.draw(st.integers(0, one.customers))
        parts = ((first, "a"), (one.customers - first, "b"))
        split += [Lost((one.point, part), one.cause, one.begun_at, one.restored_at, n) for n, part in parts]
    before, after = total(*them), total(*split)
    assert (after.sustained, after.momentary) == (before.sustained, before.momentary)
    assert after.minutes == pytest.approx(before.minutes)


@settings(max_examples=40, deadline=None)
@given(interruptions(), st.sampled_from(Standard))
def test_each_interruption_counts_once_as_sustained_or_as_momentary(them: list[Lost], standard: Standard) -> None:
    counts = total(*them, standard=standard)
    assert counts.sustained + counts.momentary == sum(one.customers for one in them)
    assert counts.momentary_events <= counts.momentary


@settings(max_examples=40, deadline=None)
@given(interruptions(), st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("America/St_Johns")]))
def test_the_zone_moves_interruptions_between_days_and_changes_no_sum(them: list[Lost], zone: ZoneInfo) -> None:
    here, utc = total(*them, zone=zone), total(*them, zone=ZoneInfo("UTC"))
    assert here.minutes == pytest.approx(utc.minutes)
    assert (here.sustained, here.momentary, here.momentary_events) == (
        utc.sustained, utc.momentary, utc.momentary_events,
    )  # fmt: skip
