"""A branch's streets as arrays, and where points meet them: the nearest place on the nearest street. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString
from shapely.ops import substring

from app.kernel.geo import EARTH_RADIUS_M
from app.streets.rules import Bools, Floats, Ints

Lines = NDArray[np.object_]
Met = tuple[int, float, float]  # of `Stops`: segment, share, gap

MOST_MET = 20_000  # points remembered: the same crews, depots and premises are asked about all day


@dataclass(frozen=True)
class Edges:
    """Segments: positions of the two junctions, metres, km/h, one way from → to, class, and lines in degrees."""

    start: Ints
    end: Ints
    length_m: Floats
    speed_kmh: Floats
    oneway: Bools
    street_class: Ints  # place in `StreetClass`
    lines: Lines


@dataclass(frozen=True)
class Stops:
    """Where points meet the streets: the segment, the share of it behind them (0 to 1), and the gap in metres."""

    edge: Ints
    share: Floats
    gap_m: Floats

    def __len__(self) -> int:
        return len(self.edge)


class Ground:
    """Junctions and segments of a branch. What it remembers of points changes no answer; safe between threads."""

    def __init__(self, lonlat: Floats, edges: Edges) -> None:
        self.lonlat = lonlat
        self.edges = edges
        self._middle = lonlat.mean(axis=0)
        self.places = self.in_metres(lonlat)
        self._lines = shapely.transform(edges.lines, self.in_metres)
        self._tree = shapely.STRtree(self._lines)
        self._met: dict[bytes, Met] = {}

    def with_edges(self, edges: Edges) -> Ground:
        """The same lines with other facts about them."""
        other = copy(self)
        other.edges = edges
        return other

    def in_metres(self, lonlat: Floats) -> Floats:
        """Local plane metres around the map's middle; good to a part in a thousand over 50 km."""
        east = np.radians(lonlat[:, 0] - self._middle[0]) * np.cos(np.radians(self._middle[1]))
        return np.column_stack((east, np.radians(lonlat[:, 1] - self._middle[1]))) * EARTH_RADIUS_M

    def in_degrees(self, metres: Floats) -> Floats:
        """The way back from `in_metres`."""
        turned = np.degrees(metres / EARTH_RADIUS_M)
        east = turned[:, 0] / np.cos(np.radians(self._middle[1]))
        lonlat: Floats = np.column_stack((east, turned[:, 1])) + self._middle
        return lonlat

    def stops(self, lonlat: Floats) -> Stops:
        """Where each point (n × 2, longitude and latitude) meets its nearest street; of equals the first."""
        keys = [row.tobytes() for row in np.ascontiguousarray(lonlat)]
        met = [self._met.get(key) for key in keys]
        if new := [number for number, one in enumerate(met) if one is None]:
            self._remember(keys, met, new, self._nearest(lonlat[new]))
        edge, share, gap_m = zip(*[one for one in met if one is not None], strict=True) if met else ((), (), ())
        return Stops(np.array(edge, dtype=np.int64), np.array(share, dtype=float), np.array(gap_m, dtype=float))

    def _remember(self, keys: list[bytes], met: list[Met | None], new: list[int], found: Stops) -> None:
        if len(self._met) > MOST_MET:
            self._met.clear()
        rows = zip(found.edge.tolist(), found.share.tolist(), found.gap_m.tolist(), strict=True)
        for number, row in zip(new, rows, strict=True):
            met[number] = self._met[keys[number]] = row

    def _nearest(self, lonlat: Floats) -> Stops:
        points = shapely.points(self.in_metres(lonlat))
        (number, edge), gap_m = self._tree.query_nearest(points, return_distance=True, all_matches=True)
        _, first = np.unique(number, return_index=True)
        edge, gap_m = edge[first], gap_m[first]
        share = shapely.line_locate_point(self._lines[edge], points, normalized=True)
        return Stops(edge, np.nan_to_num(share), gap_m)

    def line(self, stretches: Iterable[tuple[int, float, float]]) -> LineString:
        """Parts of segments, each from one share to another, joined to one line in degrees."""
        parts = [substring(self.edges.lines[edge], a, b, normalized=True) for edge, a, b in stretches]
        points = np.concatenate([shapely.get_coordinates(part) for part in parts])
        fresh = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
        kept = points[fresh]
        return LineString(kept if len(kept) > 1 else np.repeat(kept, 2, axis=0))
