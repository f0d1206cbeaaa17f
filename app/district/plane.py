"""The district's own flat metres (x east, y north) and their place on the globe.

Work is done in metres; `Plane.to_wgs84` is an equirectangular projection about the district's south-west corner,
good to a few decimetres over 20 km, which invented ground may be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from shapely import transform

Coordinates = npt.NDArray[np.float64]

ORIGIN_LON, ORIGIN_LAT = 114.262, 22.628  # Shenzhen's zone, off its streets
M_PER_DEG_LAT = 110_755.0  # at 22.7° N on the WGS 84 ellipsoid
M_PER_DEG_LON = 111_320.0 * math.cos(math.radians(22.69))


@dataclass(frozen=True)
class Plane:
    """Metres east and north of a corner."""

    lon: float = ORIGIN_LON
    lat: float = ORIGIN_LAT

    def to_wgs84(self, shape: Any) -> Any:
        """The same shape (or array of shapes) in degrees, rounded to 1e-7 (1 cm): equal bytes everywhere."""
        return transform(shape, self.degrees)

    def degrees(self, metres: Coordinates) -> Coordinates:
        """(n, 2) metres to (n, 2) longitude, latitude."""
        scale = np.array([1 / M_PER_DEG_LON, 1 / M_PER_DEG_LAT])
        return np.asarray(np.round(metres * scale + np.array([self.lon, self.lat]), 7))


def smooth_warp(rng: Random, size_m: float) -> Callable[[Coordinates], Coordinates]:
    """A gentle, fold-free bending of the plane: what keeps the streets from being a chessboard.

    Each wave's amplitude × 2π / length stays well below one in sum, so no two streets can be made to cross.
    """
    waves = [_wave(rng, size_m * share, 0.075) for share in (0.16, 0.23, 0.37)]

    def bend(metres: Coordinates) -> Coordinates:
        shift = np.zeros_like(metres)
        for direction, push, phase in waves:
            shift += np.sin(metres @ direction + phase)[:, None] * push
        return np.asarray(metres + shift)

    return bend


def _wave(rng: Random, length_m: float, steepness: float) -> tuple[Coordinates, Coordinates, float]:
    angle, push_angle = rng.uniform(0, 2 * math.pi), rng.uniform(0, 2 * math.pi)
    number = 2 * math.pi / length_m
    direction = np.array([math.cos(angle), math.sin(angle)]) * number
    push = np.array([math.cos(push_angle), math.sin(push_angle)]) * steepness * 2 / number
    return direction, push, rng.uniform(0, 2 * math.pi)


def bent(shape: Any, bend: Callable[[Coordinates], Coordinates]) -> Any:
    """The shape (or array of shapes) after `bend`."""
    return transform(shape, bend)
