"""How fast a vehicle goes at an hour, against what a street's own data say: `fixtures/streets/profiles.json`.

Every number there names its source and how far it is to be trusted; only `posted` follows the streets alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from app.kernel.problems import FieldError, Invalid
from app.streets.ground import Edges
from app.streets.models import StreetClass
from app.streets.rules import Floats

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "streets" / "profiles.json"
POSTED = "posted"
CLASSES = tuple(StreetClass)
ALL_DAY = "all_day"


@dataclass(frozen=True)
class Profile:
    """A vehicle: its top speed, factors by class of street, whether the hour matters, and whose word that is."""

    code: str
    name_zh: str
    name_en: str
    source: str
    confidence: str
    by_hour: bool
    top_kmh: float | None = None
    factors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Hours:
    """A part of some days (1 Monday … 7 Sunday) and how fast traffic is then, by class of street."""

    code: str
    days: frozenset[int]
    since: time
    until: time
    factors: Mapping[str, float]

    def hold(self, at: datetime) -> bool:
        """Whether this wall-clock moment lies in them; hours over midnight belong to the day that they begin on."""
        clock, day = at.time(), at.isoweekday()
        if self.since < self.until:
            return day in self.days and self.since <= clock < self.until
        yesterday = (day - 2) % 7 + 1
        return (day in self.days and clock >= self.since) or (yesterday in self.days and clock < self.until)


@lru_cache
def _fixture() -> tuple[dict[str, Profile], tuple[Hours, ...]]:
    document: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))
    hours = tuple(
        Hours(
            entry["code"],
            frozenset(entry["days"]),
            time.fromisoformat(entry["from"]),
            time.fromisoformat(entry["until"]),
            entry["factors"],
        )
        for entry in document["hours"]
    )
    return {entry["code"]: Profile(**entry) for entry in document["profiles"]}, hours


def profile(code: str) -> Profile:
    """The profile of this code.

    Raises:
        Invalid: there is none.
    """
    found = _fixture()[0].get(code)
    if found is None:
        raise Invalid(FieldError("profile", "choice", {"choices": list(_fixture()[0])}))
    return found


def codes() -> list[str]:
    """Every profile's code."""
    return list(_fixture()[0])


def hours_at(wanted: Profile, at: datetime) -> str:
    """Which hours of the profile a wall-clock moment lies in: their code."""
    if not wanted.by_hour:
        return ALL_DAY
    return next((hours.code for hours in _fixture()[1] if hours.hold(at)), ALL_DAY)


def speeds(edges: Edges, wanted: Profile, hours_code: str) -> Floats:
    """km/h on each segment; the vehicle's top speed is kept at any hour."""
    by_hour: Mapping[str, float] = next(
        (hours.factors for hours in _fixture()[1] if hours.code == hours_code), dict[str, float]()
    )
    factors = np.array([wanted.factors.get(name, 1.0) * by_hour.get(name, 1.0) for name in CLASSES])
    speed: Floats = edges.speed_kmh * factors[edges.street_class]
    return speed if wanted.top_kmh is None else np.minimum(speed, wanted.top_kmh)
