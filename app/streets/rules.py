"""Travel along streets: a graph in arrays, one reverse Dijkstra for all who travel to one place. No database, no clock.

A point meets the graph at its nearest junction and drives the gap there as `straight` does. Where there is no graph, no
junction near enough or no way, the whole trip is straight and says so (`estimated`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from app.kernel.geo import EARTH_RADIUS_M

DETOUR = 1.3  # streets against the straight line in towns: dispatch design, §3.3
STRAIGHT_KMH = 30.0  # the same page's speed for what is only estimated
FARTHEST_JUNCTION_M = 2_000.0  # a point farther than this from every street is not on this map

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Travel:
    """One row an origin: metres, seconds, and whether they are only estimated from the straight line."""

    distance_m: Floats
    time_s: Floats
    estimated: Bools


@dataclass(frozen=True)
class Edges:
    """Segments as arrays: positions of the two junctions in the node arrays, metres, km/h, one way from → to."""

    start: Ints
    end: Ints
    length_m: Floats
    speed_kmh: Floats
    oneway: Bools


class StreetGraph:
    """The streets of a branch, ready to be asked. Immutable after construction, safe to share between threads."""

    def __init__(self, lonlat: Floats, edges: Edges) -> None:
        self._origin = lonlat.mean(axis=0)
        self._junctions = cKDTree(self._metres(lonlat))
        self._size = len(lonlat)
        start, end, time_s, length_m = _directed(edges)
        # backwards: the search starts at the target, so a segment leads from its end to its start
        keys = end * self._size + start
        order = np.lexsort((time_s, keys))
        keys, time_s, length_m = keys[order], time_s[order], length_m[order]
        self._keys, first = np.unique(keys, return_index=True)  # of parallel segments the fastest
        self._length_m = length_m[first]
        self._backwards: csr_array[np.float64, tuple[int, int]] = csr_array(
            (time_s[first], (self._keys // self._size, self._keys % self._size)), shape=(self._size, self._size)
        )

    def travel_to(self, target: Floats, origins: Floats) -> Travel:
        """From each of `origins` (n × 2 longitude, latitude) to `target` (2): the fastest way along streets."""
        goal_gap, goal = self._junctions.query(self._metres(target[np.newaxis, :])[0])
        gaps, nodes = self._junctions.query(self._metres(origins))
        times, before = dijkstra(self._backwards, indices=[int(goal)], return_predecessors=True)
        metres = self._lengths_along(before[0], int(goal))
        plain = straight(target, origins)
        driven = metres[nodes] + (gaps + goal_gap) * DETOUR
        seconds = times[0, nodes] + (gaps + goal_gap) * DETOUR / (STRAIGHT_KMH / 3.6)
        lost = ~np.isfinite(seconds) | (gaps > FARTHEST_JUNCTION_M) | (goal_gap > FARTHEST_JUNCTION_M)
        plain_better = lost | (nodes == goal)  # at the same junction nobody drives there and back
        return Travel(
            np.where(plain_better, plain.distance_m, driven), np.where(plain_better, plain.time_s, seconds), lost
        )

    def _lengths_along(self, before: NDArray[np.int32], goal: int) -> Floats:
        """Metres from each junction to the goal along the tree of fastest ways, by doubling the step each round."""
        node = np.arange(self._size)
        reached = before >= 0
        parent = np.where(reached, before, node).astype(np.int64)
        metres = np.where(reached, 0.0, np.inf)
        metres[goal] = 0.0
        places = np.searchsorted(self._keys, parent[reached] * self._size + node[reached])
        metres[reached] = self._length_m[places]
        while not np.array_equal(parent, parent[parent]):
            metres = metres + np.where(parent == node, 0.0, metres[parent])
            parent = parent[parent]
        return metres

    def _metres(self, lonlat: Floats) -> Floats:
        """Local plane metres around the graph's middle; good to a part in a thousand over 50 km."""
        east = np.radians(lonlat[:, 0] - self._origin[0]) * np.cos(np.radians(self._origin[1]))
        return np.column_stack((east, np.radians(lonlat[:, 1] - self._origin[1]))) * EARTH_RADIUS_M


def _directed(edges: Edges) -> tuple[Ints, Ints, Floats, Floats]:
    """Each segment once a direction it may be driven in: start, end, seconds, metres."""
    back = ~edges.oneway
    length_m = np.concatenate((edges.length_m, edges.length_m[back]))
    speed_ms = np.concatenate((edges.speed_kmh, edges.speed_kmh[back])) / 3.6
    start = np.concatenate((edges.start, edges.end[back]))
    end = np.concatenate((edges.end, edges.start[back]))
    return start, end, length_m / speed_ms, length_m


def straight(target: Floats, origins: Floats) -> Travel:
    """Great-circle distance × `DETOUR` at `STRAIGHT_KMH`: what is said where no street is known."""
    lon1, lat1 = np.radians(origins).T
    lon2, lat2 = np.radians(target)
    half = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    metres = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, half))) * DETOUR
    return Travel(metres, metres / (STRAIGHT_KMH / 3.6), np.full(len(origins), True))
