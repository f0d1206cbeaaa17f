"""The tile grid (Web Mercator, XYZ): where a tile lies on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.kernel.problems import FieldError
from app.map.errors import TileOutOfRange

MAX_ZOOM = 18
WORLD_M = 40_075_016.68557849  # circumference of the projection's sphere
EXTENT = 4096  # units across a tile, as MapLibre expects
BUFFER = 64  # units drawn beyond the edge, so that lines join
WHOLE_BRANCH_BELOW = 8  # tiles so large that a branch is a dot: no index is asked, and no box reaches round the globe


@dataclass(frozen=True)
class Tile:
    """One tile of the grid."""

    z: int
    x: int
    y: int

    @classmethod
    def at(cls, z: int, x: int, y: int) -> Tile:
        """A tile that exists.

        Raises:
            TileOutOfRange: `z` beyond 18, or `x`, `y` beyond the grid of that zoom.
        """
        if not 0 <= z <= MAX_ZOOM:
            raise TileOutOfRange(FieldError("z", "out_of_range", {"max": MAX_ZOOM}))
        for name, value in (("x", x), ("y", y)):
            if not 0 <= value < 1 << z:
                raise TileOutOfRange(FieldError(name, "out_of_range", {"max": (1 << z) - 1}))
        return cls(z, x, y)

    @property
    def unit_m(self) -> float:
        """Projected metres to one of the tile's 4096 units."""
        return WORLD_M / (1 << self.z) / EXTENT

    def ground(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees, with the buffer and half as much again."""
        margin = 1.5 * BUFFER / EXTENT
        return (
            self._longitude(self.x - margin),
            self._latitude(self.y + 1 + margin),
            self._longitude(self.x + 1 + margin),
            self._latitude(self.y - margin),
        )

    def _longitude(self, column: float) -> float:
        return column / (1 << self.z) * 360 - 180

    def _latitude(self, row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / (1 << self.z)))))


def tile_of(lon: float, lat: float, z: int) -> Tile:
    """The tile of a zoom in which a position lies."""
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return Tile(z, int((lon + 180) / 360 * (1 << z)), int(row * (1 << z)))
