"""What is reached within so many minutes, as an area: every stretch of street, and the ground beside it. Pure."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import MultiPolygon

from app.streets.ground import Ground, Stops
from app.streets.metric import Metric
from app.streets.rules import DETOUR, STRAIGHT_KMH, Floats, seconds_of

STEP_M = 40.0  # between places along streets whose time is computed
CELL_M = 100.0  # of the squares that a reached place fills


class Reach:
    """Places along all streets of a ground, a few tens of metres apart. Made once, asked often."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        lengths = ground.edges.length_m
        counts = np.ceil(lengths / STEP_M).astype(np.int64) + 1
        edge = np.repeat(np.arange(len(lengths)), counts)
        number = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
        share = number / (counts[edge] - 1)
        self._stops = Stops(edge, share, np.zeros(len(edge)))
        points = shapely.line_interpolate_point(ground.edges.lines[edge], share, normalized=True)
        self._places = ground.in_metres(shapely.get_coordinates(points))

    def seconds(self, metric: Metric, start: Stops) -> Floats:
        """From one stop to each place; inf where there is no way."""
        costs = metric.by_search(start, self._stops)[0]
        seconds: Floats = seconds_of(costs) + float(start.gap_m[0]) * DETOUR / (STRAIGHT_KMH / 3.6)
        return seconds

    def area(self, seconds: Floats, place: Floats, limit_s: float) -> MultiPolygon:
        """Squares round all places reached, and round where one begins, their corners taken off; in degrees."""
        reached = np.concatenate((self._places[seconds <= limit_s], self._ground.in_metres(place[np.newaxis])))
        corner = np.unique(np.floor(reached / CELL_M), axis=0) * CELL_M
        squares = shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + CELL_M, corner[:, 1] + CELL_M)
        rounded = shapely.buffer(shapely.coverage_union_all(squares), CELL_M / 2, quad_segs=2)
        area = shapely.transform(shapely.simplify(rounded, CELL_M / 5), self._ground.in_degrees)
        return MultiPolygon([part for part in shapely.get_parts(area) if not part.is_empty])
