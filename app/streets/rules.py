"""What a way costs, and what is said where no street is known. No database, no clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.kernel.geo import EARTH_RADIUS_M

DETOUR = 1.3  # streets against the straight line in towns: dispatch design, §3.3
STRAIGHT_KMH = 30.0  # the same page's speed for what is only estimated
FARTHEST_STREET_M = 2_000.0  # a point farther than this from every street is not on this map

# A cost is milliseconds and decimetres in one whole number, milliseconds first, so that of two ways as fast the
# shorter one is taken, by every engine alike. Sums of 24 days and of 400 km are exact in a float's 53 bits.
DECIMETRES = float(2**22)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Travel:
    """Metres, seconds, and whether they are only estimated from the straight line; all of one shape."""

    distance_m: Floats
    time_s: Floats
    estimated: Bools


def cost_of(time_ms: Floats, length_dm: Floats) -> Floats:
    """One number for both, each a whole number."""
    return time_ms * DECIMETRES + length_dm


def seconds_of(cost: Floats) -> Floats:
    """The seconds of a cost; inf where there is no way."""
    return np.floor(cost / DECIMETRES) / 1000.0


def metres_of(cost: Floats) -> Floats:
    """The metres of a cost; inf where there is no way."""
    known = np.isfinite(cost)
    return np.where(known, np.mod(np.where(known, cost, 0.0), DECIMETRES) / 10.0, np.inf)


def straight(sources: Floats, targets: Floats) -> Travel:
    """Great-circle distance × `DETOUR` at `STRAIGHT_KMH`, from each source (n × 2) to each target (m × 2): n × m."""
    metres = great_circle_m(sources[:, np.newaxis], targets[np.newaxis]) * DETOUR
    return Travel(metres, metres / (STRAIGHT_KMH / 3.6), np.full(metres.shape, True))


def great_circle_m(one: Floats, other: Floats) -> Floats:
    """Haversine between longitudes and latitudes in the last axis, in metres."""
    lon1, lat1 = np.moveaxis(np.radians(one), -1, 0)
    lon2, lat2 = np.moveaxis(np.radians(other), -1, 0)
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    metres: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, half)))
    return metres


def driven(cost: Floats, sources: Floats, targets: Floats, gaps: tuple[Floats, Floats]) -> Travel:
    """Costs along streets (n × m) with the gaps between points and streets (n and m metres) as whole trips.

    Without a way, and for a point far from every street, the trip is straight and estimated. Two points nearer to
    each other than to their streets go straight, and that is no estimate of anything longer.
    """
    gap = gaps[0][:, np.newaxis] + gaps[1]
    plain = straight(sources, targets)
    lost = ~np.isfinite(cost) | (np.maximum(gaps[0][:, np.newaxis], gaps[1]) > FARTHEST_STREET_M)
    straight_on = lost | (plain.distance_m <= gap)
    metres = np.where(straight_on, plain.distance_m, metres_of(cost) + gap * DETOUR)
    seconds = np.where(straight_on, plain.time_s, seconds_of(cost) + gap * DETOUR / (STRAIGHT_KMH / 3.6))
    return Travel(metres, seconds, lost)
