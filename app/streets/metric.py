"""The streets with the costs of one vehicle at one hour, and every way of asking them. Pure.

Few points are answered by Dijkstra's search along a sparse matrix, which needs no preparation; many by the hierarchy,
which is made when it is first worth its while. Both give the same numbers to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from app.streets.ground import Ground, Stops
from app.streets.hierarchy import Doors, Hierarchy, Shape
from app.streets.rules import Floats, Ints, cost_of

FEW = 12  # searches that are sooner done than the hierarchy's labels
WORTH_A_HIERARCHY = 64  # searches that take longer than making one

Graph = csr_array[np.float64, tuple[int, int]]


@dataclass(frozen=True)
class Arcs:
    """Each segment once a direction it may be driven in: junctions, and the segment."""

    tail: Ints
    head: Ints
    edge: Ints

    @classmethod
    def of(cls, ground: Ground) -> Arcs:
        """Forwards all of them, then backwards those that are not one way."""
        edges = ground.edges
        back = np.flatnonzero(~edges.oneway)
        return cls(
            np.concatenate((edges.start, edges.end[back])),
            np.concatenate((edges.end, edges.start[back])),
            np.concatenate((np.arange(len(edges.start)), back)),
        )


class Stretch(NamedTuple):
    """A segment driven from one share of it to another, backwards where the second is less."""

    edge: int
    since: float
    until: float


class Metric:
    """Costs of segments. `shape` makes the contracted shape of the map, once, when a hierarchy is wanted."""

    def __init__(self, ground: Ground, arcs: Arcs, speed_kmh: Floats, shape: Callable[[], Shape]) -> None:
        """`speed_kmh` of each segment; 0 where it may not be driven."""
        self.ground = ground
        self._arcs = arcs
        self._shape = shape
        with np.errstate(divide="ignore"):
            self._time_ms = np.maximum(1.0, np.rint(ground.edges.length_m * 3600.0 / speed_kmh))
        self._length_dm = np.rint(ground.edges.length_m * 10.0)
        self._out, self._arc = _graph(len(ground.lonlat), arcs, self._cost[arcs.edge])
        self._back: Graph = csr_array(self._out.T)
        self._hierarchy: Hierarchy | None = None
        self._making = Lock()

    @property
    def _cost(self) -> Floats:
        return cost_of(self._time_ms, self._length_dm)

    def costs(self, sources: Stops, targets: Stops) -> Floats:
        """Cost from each source to each target (n × m); inf where there is no way."""
        rows = min(len(sources), len(targets))
        if rows > FEW and (self._hierarchy is not None or rows >= WORTH_A_HIERARCHY):
            return self.by_hierarchy(sources, targets)
        return self.by_search(sources, targets)

    def by_search(self, sources: Stops, targets: Stops) -> Floats:
        """The same by one Dijkstra search a source or, backwards, a target, whichever are fewer."""
        if len(targets) < len(sources):
            cost = _searched(self._back, self.doors_in(targets), self.doors_out(sources)).T
        else:
            cost = _searched(self._out, self.doors_out(sources), self.doors_in(targets))
        return np.minimum(cost, self._along_one(sources, targets))

    def by_hierarchy(self, sources: Stops, targets: Stops) -> Floats:
        """The same by the hierarchy, which is made if it is not there."""
        cost = self.hierarchy().matrix(self.doors_out(sources), self.doors_in(targets))
        return np.minimum(cost, self._along_one(sources, targets))

    def hierarchy(self) -> Hierarchy:
        """Made at the first call; who calls meanwhile waits for it."""
        with self._making:
            if self._hierarchy is None:
                self._hierarchy = Hierarchy(self._shape(), self._cost[self._arcs.edge])
            return self._hierarchy

    def way(self, source: Stops, target: Stops) -> list[Stretch] | None:
        """The fastest way from one stop to another, segment by segment; None where there is none."""
        alone = self._along_one(source, target)[0, 0]
        count = self._out.shape[0]
        out, back = self.doors_out(source), self.doors_in(target)
        cost, before = dijkstra(_begun(self._out, out), indices=[count], return_predecessors=True)
        whole = cost[0, back.junction[0]] + back.cost[0]
        last = int(np.argmin(whole))
        if not np.isfinite(min(alone, whole[last])):
            return None
        here, there = float(source.share[0]), float(target.share[0])
        if alone <= whole[last]:
            return [Stretch(int(source.edge[0]), here, there)]
        nodes = [int(back.junction[0, last])]
        while (previous := int(before[0, nodes[-1]])) != count:
            nodes.append(previous)
        nodes.reverse()
        driven = [self._whole(tail, head) for tail, head in pairwise(nodes)]
        leaving = int(np.argmin(np.where(out.junction[0] == nodes[0], out.cost[0], np.inf)))
        return [
            Stretch(int(source.edge[0]), here, float(leaving)),
            *driven,
            Stretch(int(target.edge[0]), float(last), there),
        ]

    def _whole(self, tail: int, head: int) -> Stretch:
        arc = int(self._arc[tail, head])
        forwards = arc < len(self.ground.edges.start)
        return Stretch(int(self._arcs.edge[arc]), 0.0 if forwards else 1.0, 1.0 if forwards else 0.0)

    def doors_out(self, stops: Stops) -> Doors:
        """From points to the ends of their segments: forwards, and backwards where that is allowed."""
        behind, ahead = self._split(stops)
        edges = self.ground.edges
        wrong_way = edges.oneway[stops.edge] & (behind > 0)
        return self._doors(stops, np.where(wrong_way, np.inf, behind), ahead)

    def doors_in(self, stops: Stops) -> Doors:
        """From the ends of their segments to points."""
        behind, ahead = self._split(stops)
        wrong_way = self.ground.edges.oneway[stops.edge] & (ahead > 0)
        return self._doors(stops, behind, np.where(wrong_way, np.inf, ahead))

    def _doors(self, stops: Stops, at_start: Floats, at_end: Floats) -> Doors:
        edges = self.ground.edges
        return Doors(
            np.column_stack((edges.start[stops.edge], edges.end[stops.edge])), np.column_stack((at_start, at_end))
        )

    def _split(self, stops: Stops) -> tuple[Floats, Floats]:
        """Costs of the parts of their segments behind and ahead of points; together the whole segment's."""
        time_ms, length_dm = self._time_ms[stops.edge], self._length_dm[stops.edge]
        closed = ~np.isfinite(time_ms)
        time_ms = np.where(closed, 0.0, time_ms)
        behind_ms, behind_dm = np.rint(time_ms * stops.share), np.rint(length_dm * stops.share)
        behind = cost_of(behind_ms, behind_dm)
        ahead = cost_of(time_ms - behind_ms, length_dm - behind_dm)
        return np.where(closed & (behind > 0), np.inf, behind), np.where(closed & (ahead > 0), np.inf, ahead)

    def _along_one(self, sources: Stops, targets: Stops) -> Floats:
        """Cost between points on one segment without leaving it; inf for all others."""
        same = sources.edge[:, np.newaxis] == targets.edge
        cost = np.full(same.shape, np.inf)
        here, there = np.nonzero(same)
        behind_here, behind_there = self._split(sources)[0][here], self._split(targets)[0][there]
        with np.errstate(invalid="ignore"):  # nobody drives along a closed street, but who stands there is there
            ahead = np.where(sources.share[here] == targets.share[there], 0.0, behind_there - behind_here)
        oneway = self.ground.edges.oneway[sources.edge[here]]
        cost[here, there] = np.where(np.isfinite(ahead) & ((ahead >= 0) | ~oneway), np.abs(ahead), np.inf)
        return cost


def _graph(count: int, arcs: Arcs, cost: Floats) -> tuple[Graph, Graph]:
    """Costs between junctions, and which arc that is: of parallel ones the cheapest, none that may not be driven."""
    keys = arcs.tail * count + arcs.head
    order = np.lexsort((cost, keys))
    order = order[np.isfinite(cost[order])]
    keys, first = np.unique(keys[order], return_index=True)
    where, best = (keys // count, keys % count), order[first]
    return csr_array((cost[best], where), shape=(count, count)), csr_array((best, where), shape=(count, count))


def _searched(graph: Graph, origins: Doors, ends: Doors) -> Floats:
    """One search an origin."""
    count = graph.shape[0]
    cost = dijkstra(_begun(graph, origins), indices=np.arange(count, count + len(origins.cost)))
    return np.minimum(cost[:, ends.junction[:, 0]] + ends.cost[:, 0], cost[:, ends.junction[:, 1]] + ends.cost[:, 1])


def _begun(graph: Graph, origins: Doors) -> Graph:
    """The graph with a junction more for each origin, that its doors lead from."""
    size = graph.shape[0] + len(origins.cost)
    usable = np.isfinite(origins.cost)
    begins = graph.indptr[-1] + np.cumsum(usable.sum(axis=1))
    return csr_array(
        (
            np.concatenate((graph.data, origins.cost[usable])),
            np.concatenate((graph.indices, origins.junction[usable])),
            np.concatenate((graph.indptr, begins)),
        ),
        shape=(size, size),
    )
