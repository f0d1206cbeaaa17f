"""The report of a span of days: indices by month or day, planned and fault apart, with and without major event days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from app.reliability.models import CauseClass
from app.reliability.rules import (
    ByDay,
    Counts,
    Indices,
    Standard,
    Threshold,
    end_of,
    indices,
    saidi_by_day,
)


class By(StrEnum):
    """How long a line of the report is."""

    MONTH = "month"
    DAY = "day"


@dataclass(frozen=True)
class Line:
    """The indices of the days from `first` to `last`, both counted.

    `total` is of planned and fault together; `fault_without_major` leaves out the major event days with their time.
    """

    first: date
    last: date
    fault: Indices
    planned: Indices
    total: Indices
    fault_without_major: Indices
    major_days: int


@dataclass(frozen=True)
class Report:
    """`lines` by month or day, and `all` of them as one. `threshold` is None where five years hold too little."""

    customers: int
    standard: Standard
    threshold: Threshold | None
    whole: Line
    lines: list[Line]


@dataclass(frozen=True)
class Setting:
    """What the indices of every line rest on."""

    customers: int
    standard: Standard
    zone: ZoneInfo
    now: datetime
    threshold: Threshold | None


def make_report(days: ByDay, first: date, last: date, by: By, setting: Setting) -> Report:
    """The indices of the days from `first` to `last`, of which `days` holds what was counted."""
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    major = _major_days(days, setting)
    spans = [[day] for day in dates] if by is By.DAY else [list(month) for _, month in groupby(dates, _month)]
    return Report(
        setting.customers,
        setting.standard,
        setting.threshold,
        _line(days, dates, major, setting),
        [_line(days, span, major, setting) for span in spans],
    )


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month


def _major_days(days: ByDay, setting: Setting) -> frozenset[date]:
    if setting.threshold is None:
        return frozenset()
    saidi = saidi_by_day(days, setting.customers, CauseClass.FAULT)
    return frozenset(day for day, value in saidi.items() if value > setting.threshold.t_med)


def _line(days: ByDay, span: list[date], major: frozenset[date], setting: Setting) -> Line:
    minutes = {day: _minutes(day, setting) for day in span}
    usual = [day for day in span if day not in major]

    def of(dates: list[date], *causes: CauseClass) -> Indices:
        counts = sum((days.get((day, cause), Counts()) for day in dates for cause in causes), Counts())
        return indices(counts, customers=setting.customers, minutes=sum(minutes[day] for day in dates))

    return Line(
        first=span[0],
        last=span[-1],
        fault=of(span, CauseClass.FAULT),
        planned=of(span, CauseClass.PLANNED),
        total=of(span, *CauseClass),
        fault_without_major=of(usual, CauseClass.FAULT),
        major_days=len(span) - len(usual),
    )


def _minutes(day: date, setting: Setting) -> float:
    """Of a local day, as far as it has come."""
    begins = end_of(day - timedelta(days=1), setting.zone)
    return (min(end_of(day, setting.zone), setting.now) - begins) / timedelta(minutes=1)


def flat(line: Line) -> dict[str, object]:
    """A line as a row of a table: `fault_saidi`, `planned_saifi` and so on."""
    return {"first": line.first, "last": line.last, **dict(_figures(line)), "major_days": line.major_days}


def _figures(line: Line) -> Iterator[tuple[str, float | None]]:
    for kind in KINDS:
        for name, value in vars(getattr(line, kind)).items():
            yield f"{kind}_{name}", value


KINDS = ("fault", "planned", "total", "fault_without_major")
HEADINGS = (
    "first", "last",
    *(f"{kind}_{name}" for kind in KINDS for name in Indices.__dataclass_fields__),
    "major_days",
)  # fmt: skip
