"""The posted rules and days, from `fixtures/deadlines/`: data with source and confidence, never constants in code."""

from __future__ import annotations

import csv
from datetime import date
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from app.customers.models import AreaKind
from app.deadlines.models import Clock, Milestone
from app.deadlines.rules import Calendar, Limit, Start, Unit
from app.jobs.models import JobKind

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "deadlines"


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=1)
def limits() -> tuple[Limit, ...]:
    """Every posted rule."""
    return tuple(
        Limit(
            code=row["code"],
            job_kind=JobKind(row["job_kind"]) if row["job_kind"] else None,
            clock=Clock(row["clock"]),
            milestone=Milestone(row["milestone"]),
            area_kind=AreaKind(row["area_kind"]) if row["area_kind"] else None,
            value=int(row["value"]),
            unit=Unit(row["unit"]),
            start_event=Start(row["start_event"]),
            limit_type=row["limit_type"],
            source=row["source"],
            edition=row["edition"],
            source_zh=row["source_zh"],
            confidence=row["confidence"],
            item=row["item"],
        )
        for row in _rows("rules.csv")
    )


@lru_cache(maxsize=64)
def calendar(timezone: str) -> Calendar:
    """The days of a branch in this zone. Public holidays are China's; in a year without a notice only weekends."""
    days = _rows("days.csv") if timezone in CHINESE_ZONES else []
    off, worked = (
        frozenset(date.fromisoformat(row["day"]) for row in days if row["kind"] == kind) for kind in ("off", "work")
    )
    return Calendar(ZoneInfo(timezone), off, worked)


CHINESE_ZONES = frozenset({"Asia/Shanghai", "Asia/Urumqi"})
