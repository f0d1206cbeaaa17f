"""Ground of the district: boundary, bay, river, hills. Kilometres of the full district, scaled to the wanted size."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random

from shapely import Polygon, line_interpolate_point
from shapely.affinity import rotate, scale, translate
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

INLAND = [
    (0.1, 6.2), (-0.2, 7.3), (0.5, 8.6), (0.2, 9.8), (1.3, 10.6), (1.8, 11.8), (3.4, 11.9), (4.4, 12.7), (6.0, 11.9),
    (7.7, 12.3), (8.8, 13.2), (10.4, 12.5), (12.0, 13.1), (13.9, 12.3), (15.2, 12.5), (15.9, 11.2), (17.5, 10.6),
    (17.0, 8.9), (17.7, 7.2), (16.9, 5.9), (17.6, 4.1), (16.5, 2.9), (16.4, 1.5), (15.0, 0.5),
]  # fmt: skip
COAST = [
    (15.0, 0.5), (13.4, 0.0), (12.7, 0.8), (12.0, 0.4), (11.3, 0.7), (10.9, 1.8), (10.0, 2.6), (9.2, 3.5), (8.0, 3.7),
    (6.9, 3.5), (6.3, 2.6), (5.6, 1.7), (4.5, 1.6), (3.8, 2.5), (3.4, 3.7), (2.4, 4.2), (1.9, 5.3), (0.9, 5.5),
    (0.1, 6.2),
]  # fmt: skip
RIVER = [
    (12.9, 13.6), (12.4, 11.7), (12.9, 10.1), (11.6, 9.0), (9.6, 9.1), (8.5, 7.9), (9.0, 6.4), (8.0, 5.4), (7.5, 4.4),
    (7.6, 3.0),
]  # fmt: skip
HILL_ROAD = [
    (11.2, 4.8), (11.9, 4.0), (12.7, 4.5), (13.5, 4.2), (13.4, 3.3), (14.1, 2.7), (15.0, 3.3), (15.6, 2.8), (15.3, 1.9),
    (14.3, 1.9), (13.7, 1.3), (12.6, 1.6), (11.7, 1.9), (10.9, 2.3),
]  # fmt: skip
HAMLET = (13.45, 3.75)  # the village on the hill road
FULL_AREA_KM2 = 186.0
SHORE_M = 130.0  # the bay road keeps this distance from the water
EDGE_M = 160.0  # and the ring road this one from the district's boundary


@dataclass(frozen=True)
class Terrain:
    """Polygons in metres; `buildable` is what streets may cut, `bay` lies outside the boundary."""

    boundary: Polygon
    bay: BaseGeometry
    river: BaseGeometry
    hills: BaseGeometry
    buildable: Polygon
    coast: LineString
    hill_road: BaseGeometry
    factor: float

    def at(self, x_km: float, y_km: float) -> Point:
        """A place named in kilometres of the full district."""
        return Point(x_km * 1000 * self.factor, y_km * 1000 * self.factor)


def make_terrain(rng: Random, area_km2: float) -> Terrain:
    """The district's ground at `area_km2`; shapes are the full district's, scaled."""
    inland, coast = _smoothed(INLAND), _smoothed(COAST)
    outline = Polygon([*inland.coords, *coast.coords[1:-1]])
    factor = (area_km2 * 1e6 / outline.area) ** 0.5 / 1000
    km = 1000 * factor

    def metres(shape: LineString) -> LineString:
        return LineString([(x * km, y * km) for x, y in shape.coords])

    boundary = Polygon([(x * km, y * km) for x, y in outline.exterior.coords])
    coast, river = metres(coast), metres(_smoothed(RIVER)).buffer(34 * min(1, factor * 1.5), cap_style="flat")
    hills = _hills(rng, km).intersection(boundary.buffer(200))
    shore = coast.buffer(SHORE_M * factor)
    flat = boundary.buffer(-EDGE_M * factor).difference(unary_union([hills, shore]))
    buildable = _largest(_largest(flat).buffer(-30 * factor)).buffer(30 * factor).simplify(8 * factor)
    bay = Polygon([*coast.coords, (-2.5 * km, 6.2 * km), (-2.5 * km, -2.5 * km), (17 * km, -2.5 * km)])
    foot = hills.buffer(45 * factor)  # the road ends where it has just crossed the one along the hills' foot
    hill_road = metres(_smoothed(HILL_ROAD)).intersection(boundary.buffer(-EDGE_M * factor)).intersection(foot)
    return Terrain(boundary, bay.buffer(0).difference(boundary), river, hills, _largest(buildable),
                   coast, hill_road, factor)  # fmt: skip


def _largest(shape: BaseGeometry) -> Polygon:
    """The largest polygon of what cutting and shrinking left."""
    return max((part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon)), key=lambda p: p.area)


def _hills(rng: Random, km: float) -> BaseGeometry:
    """Overlapping slopes in the south-east: not an ellipse to look at."""
    spots = [(14.3, 2.6, 3.0, 1.9), (15.9, 4.6, 2.0, 2.1), (12.6, 2.7, 1.4, 1.5), (16.9, 6.9, 1.0, 1.3)]
    slopes = [
        translate(rotate(scale(Point(0, 0).buffer(km, 24), rx, ry), rng.uniform(-25, 25)), x * km, y * km)
        for x, y, rx, ry in spots
    ]
    return unary_union(slopes).buffer(0.5 * km).buffer(-0.5 * km)


def _smoothed(corners: list[tuple[float, float]], rounds: int = 4) -> LineString:
    """Chaikin's corner cutting with fixed ends."""
    points = corners
    for _ in range(rounds):
        cut = [points[0]]
        for (x0, y0), (x1, y1) in pairwise(points):
            cut += [(0.75 * x0 + 0.25 * x1, 0.75 * y0 + 0.25 * y1), (0.25 * x0 + 0.75 * x1, 0.25 * y0 + 0.75 * y1)]
        points = [*cut, points[-1]]
    return LineString(points)


def along(line: LineString, share: float) -> Point:
    """The point at `share` (0..1) of a line."""
    return line_interpolate_point(line, share, normalized=True)
