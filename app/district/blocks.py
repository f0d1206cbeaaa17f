"""Land cut into ever smaller pieces; every cut is a street, so streets and places agree by construction."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import numpy as np
from shapely import Polygon, get_coordinates, minimum_rotated_rectangle
from shapely.geometry import LineString
from shapely.ops import split

Target = Callable[[Polygon], float]
STEP_M = 90.0  # cuts are polylines with a vertex this often, so that bending the plane bends them
THIN = 0.028  # area / perimeter²; a square has 0.0625


@dataclass(frozen=True)
class Cut:
    """A street to be: a polyline in metres and the class its level in the hierarchy gives it."""

    line: LineString
    street_class: str
    tag: str = ""  # what names it: bay, foot, ring, bank, pass, block:<number>, or nothing


@dataclass
class Knife:
    """Cuts polygons and remembers the cuts."""

    rng: Random
    cuts: list[Cut] = field(default_factory=list)
    tag: str = ""

    def into(self, count: int, pieces: list[Polygon], street_class: str) -> list[Polygon]:
        """Cut the largest piece again and again until there are `count`."""
        heap = [(-piece.area, number, piece) for number, piece in enumerate(pieces)]
        heapq.heapify(heap)
        number = len(heap)
        while len(heap) < count:
            _, _, largest = heapq.heappop(heap)
            for part in (
                self._cut(largest, street_class) or self._cut(largest, street_class, thin=THIN / 3) or [largest]
            ):
                number += 1
                heapq.heappush(heap, (-part.area, number, part))
        return [piece for _, _, piece in sorted(heap, key=lambda item: item[1])]

    def until(
        self, target: Target, piece: Polygon, street_class: str, lesser: str, lesser_below: float
    ) -> list[Polygon]:
        """Cut until each part is at most `target(part)` m²; cuts of parts under `lesser_below` m² are lesser."""
        if piece.area <= target(piece) * self.rng.uniform(0.75, 1.35):
            return [piece]
        parts = self._cut(piece, street_class if piece.area > lesser_below else lesser)
        if not parts:
            return [piece]
        return [leaf for part in parts for leaf in self.until(target, part, street_class, lesser, lesser_below)]

    def _cut(self, piece: Polygon, street_class: str, thin: float = THIN) -> list[Polygon] | None:
        for _ in range(6):
            line = _across(piece, self.rng)
            parts = [part for part in split(piece, line).geoms if isinstance(part, Polygon) and part.area > 1]
            if len(parts) > 1 and all(part.area / part.length**2 > thin for part in parts):
                self.cuts += [Cut(inside, street_class, self.tag) for inside in lines_of(line.intersection(piece))]
                return parts
        return None


def lines_of(shape: object) -> Iterator[LineString]:
    """The polylines in a geometry of any kind, rings opened."""
    for part in getattr(shape, "geoms", [shape]):
        if isinstance(part, LineString) and part.length > 0.1:
            yield LineString(part.coords)


def _across(piece: Polygon, rng: Random) -> LineString:
    """A slightly bowed, slightly turned line across the middle of the piece's longer side."""
    corners = get_coordinates(minimum_rotated_rectangle(piece))
    side_a, side_b = corners[1] - corners[0], corners[2] - corners[1]
    length, other = (side_a, side_b) if np.hypot(*side_a) >= np.hypot(*side_b) else (side_b, side_a)
    middle = (corners[0] + corners[2]) / 2 + length * rng.gauss(0, 0.055)
    reach = float(np.hypot(*other)) * 0.75 + 5
    turn = math.atan2(other[1], other[0]) + rng.gauss(0, 0.075)
    direction = np.array([math.cos(turn), math.sin(turn)])
    normal = np.array([-direction[1], direction[0]])
    bow = rng.gauss(0, 0.035) * reach
    shares = np.linspace(-1, 1, max(3, int(2 * reach / STEP_M)))
    points = middle + shares[:, None] * reach * direction + (1 - shares**2)[:, None] * bow * normal
    return LineString(points)
