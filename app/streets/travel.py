"""Travel times as the rest of the product asks for them, whoever computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Point

from app.streets.rules import DETOUR, STRAIGHT_KMH, Floats, Travel, straight

CIRCLE_SEGMENTS = 8  # a quarter


@dataclass(frozen=True)
class Way:
    """One trip: its line in degrees, metres, seconds; a straight line where it is only estimated."""

    line: LineString
    distance_m: float
    time_s: float
    estimated: bool


@dataclass(frozen=True)
class Isochrone:
    """What is reached within so many minutes; a circle where no street is near (estimated)."""

    minutes: int
    area: MultiPolygon
    estimated: bool


class TravelTimes(Protocol):
    """An engine. Points are longitude and latitude (n × 2); `at` is aware; `profile` a code of `profiles`.

    `version` is another whenever answers may be others. An engine never fails to answer: what it does not know it
    estimates from the straight line, and says so.
    """

    engine: str
    version: str

    def matrix(self, sources: Floats, targets: Floats, *, at: datetime, profile: str) -> Travel:
        """From each source to each target: n × m. One to many is one row."""

    def path(self, source: Floats, target: Floats, *, at: datetime, profile: str) -> Way:
        """The fastest way between two points (each 2)."""

    def isochrones(self, place: Floats, minutes: Sequence[int], *, at: datetime, profile: str) -> list[Isochrone]:
        """What is reached from a place (2) within each of these minutes."""


def straight_way(source: Floats, target: Floats) -> Way:
    """The estimated trip as a line."""
    travel = straight(source[np.newaxis], target[np.newaxis])
    return Way(LineString([source, target]), float(travel.distance_m[0, 0]), float(travel.time_s[0, 0]), True)


def circle(place: Floats, minutes: int) -> Isochrone:
    """What may be reached where no street is known."""
    radius_m = minutes * 60 * STRAIGHT_KMH / 3.6 / DETOUR
    round_it = Point(0, 0).buffer(radius_m / 111_195.0, quad_segs=CIRCLE_SEGMENTS)
    wider = 1 / np.cos(np.radians(place[1]))
    area = shapely.transform(round_it, lambda at: at * (wider, 1) + place)
    return Isochrone(minutes, MultiPolygon([area]), True)


class StraightTimes:
    """The last resort: no streets at all."""

    engine = "straight"
    version = "straight"

    def matrix(self, sources: Floats, targets: Floats, *, at: datetime, profile: str) -> Travel:
        """All estimated."""
        return straight(sources, targets)

    def path(self, source: Floats, target: Floats, *, at: datetime, profile: str) -> Way:
        """A straight line."""
        return straight_way(source, target)

    def isochrones(
        self,
        place: Floats,
        minutes: Sequence[int],
        *,
        at: datetime,
        profile: str,
    ) -> list[Isochrone]:
        """Circles."""
        return [circle(place, one) for one in minutes]
