"""The indices of IEEE 1366 and DL/T 836 from who was without supply when. No database, no clock.

With N customers served, over a period of T minutes:

    SAIFI = Σ customers interrupted / N                SAIDI = Σ customer minutes without supply / N
    CAIDI = SAIDI / SAIFI                              ASAI  = 1 − SAIDI / T
    MAIFI = Σ momentary customer interruptions / N     MAIFI_E = Σ momentary events / N

The first four are of sustained interruptions: those that last longer than 5 minutes (IEEE 1366) or 3 (DL/T 836). All
others are momentary. Interruptions of one customer that begin within that same time of each other are one momentary
event, counted with the last of them, and none at all where a sustained one ends the row: what a recloser tries before
it gives up. The standard counts those minutes from the first try; for a row longer than that ours is one event fewer.

All that an interruption brings, its minutes after midnight too, belongs to the local day on which it began. One that
still lasts counts with the minutes so far, as soon as they make it sustained.

A major event day has a SAIDI above T_MED = e^(α + 2.5 β), with α the mean and β the sample standard deviation of ln
SAIDI over the days of five years on which it was not zero. Such days are shown and also left out, never only left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from itertools import groupby, pairwise
from math import exp, log
from statistics import fmean, stdev
from zoneinfo import ZoneInfo

from app.reliability.models import CauseClass

BETAS = 2.5  # of IEEE 1366, 3.5 there
YEARS = 5  # of days that the threshold of the next year is taken from
FEWEST_DAYS = 2  # a standard deviation of fewer there is none of


class Standard(IntEnum):
    """Minutes that an interruption must exceed to count as sustained."""

    DLT_836 = 3
    IEEE_1366 = 5

    @property
    def limit(self) -> timedelta:
        """As a span."""
        return timedelta(minutes=self.value)


@dataclass(frozen=True)
class Lost:
    """`customers` behind one service point without supply, together and from then until then; None: still."""

    point: Hashable
    cause: CauseClass
    begun_at: datetime
    restored_at: datetime | None
    customers: int = 1


@dataclass(frozen=True)
class Counts:
    """Sustained customer interruptions and their customer minutes, momentary ones, and momentary events."""

    sustained: int = 0
    minutes: float = 0.0
    momentary: int = 0
    momentary_events: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.sustained + other.sustained,
            self.minutes + other.minutes,
            self.momentary + other.momentary,
            self.momentary_events + other.momentary_events,
        )


ByDay = Mapping[tuple[date, CauseClass], Counts]


@dataclass(frozen=True)
class Indices:
    """Minutes (`saidi`, `caidi`), interruptions a customer (`saifi`, `maifi`, `maifi_e`), and a share (`asai`).

    `caidi` is None where nobody was interrupted, `asai` where there is no time; all are None where nobody is served.
    """

    saidi: float | None
    saifi: float | None
    caidi: float | None
    asai: float | None
    maifi: float | None
    maifi_e: float | None


def by_day(lost: Iterable[Lost], *, zone: ZoneInfo, standard: Standard, now: datetime) -> ByDay:
    """What each local day brought, by class of cause. `now` ends what still lasts.

    An interruption of one point must not overlap another of it; the database sees to that.
    """
    days: defaultdict[tuple[date, CauseClass], Counts] = defaultdict(Counts)
    ordered = sorted(lost, key=lambda one: (str(one.point), one.begun_at))
    for _point, row in groupby(ordered, key=lambda one: one.point):
        for one, following in _with_next(list(row)):
            days[one.begun_at.astimezone(zone).date(), one.cause] += _counts(one, following, standard, now)
    return {key: counts for key, counts in days.items() if counts != Counts()}


def _with_next(row: Sequence[Lost]) -> Iterator[tuple[Lost, Lost | None]]:
    yield from pairwise([*row, None])


def _counts(one: Lost, following: Lost | None, standard: Standard, now: datetime) -> Counts:
    lasted = (one.restored_at or now) - one.begun_at
    if lasted > standard.limit:
        return Counts(one.customers, one.customers * lasted / timedelta(minutes=1))
    if one.restored_at is None:
        return Counts()
    ends_event = following is None or following.begun_at > one.begun_at + standard.limit
    return Counts(momentary=one.customers, momentary_events=one.customers if ends_event else 0)


def indices(counts: Counts, *, customers: int, minutes: float) -> Indices:
    """The indices of what was counted among so many customers in a period of so many minutes."""
    if not customers:
        return Indices(None, None, None, None, None, None)
    saidi = counts.minutes / customers
    return Indices(
        saidi=saidi,
        saifi=counts.sustained / customers,
        caidi=counts.minutes / counts.sustained if counts.sustained else None,
        asai=1 - saidi / minutes if minutes else None,  # a day that is left out has no time
        maifi=counts.momentary / customers,
        maifi_e=counts.momentary_events / customers,
    )


def minutes_between(first: date, last: date, zone: ZoneInfo) -> float:
    """Minutes of the local days from `first` to `last`, both counted; a day of changing clocks has its own length."""
    return (end_of(last, zone) - end_of(first - timedelta(days=1), zone)) / timedelta(minutes=1)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a local day ends, UTC."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=zone).astimezone(ZoneInfo("UTC"))


@dataclass(frozen=True)
class Threshold:
    """`t_med` minutes of SAIDI make a major event day; from so many days that were not zero."""

    t_med: float
    alpha: float
    beta: float
    days: int


def major_threshold(daily_saidi: Iterable[float]) -> Threshold | None:
    """T_MED from the daily SAIDI of five years, minutes; None from fewer than two days that are not zero."""
    logs = [log(value) for value in daily_saidi if value > 0]
    if len(logs) < FEWEST_DAYS:
        return None
    alpha, beta = fmean(logs), stdev(logs)
    return Threshold(exp(alpha + BETAS * beta), alpha, beta, len(logs))


def years_before(day: date) -> tuple[date, date]:
    """The five calendar years before the year of this day: first and last day."""
    return date(day.year - YEARS, 1, 1), date(day.year - 1, 12, 31)


def saidi_by_day(days: ByDay, customers: int, *causes: CauseClass) -> dict[date, float]:
    """SAIDI of each day, of these classes of cause."""
    found: defaultdict[date, float] = defaultdict(float)
    for (day, cause), counts in days.items():
        if cause in causes and customers:
            found[day] += counts.minutes / customers
    return dict(found)
