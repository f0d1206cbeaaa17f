"""The routable street graph: cuts noded where they meet, bent, classed and named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import STRtree, get_coordinates, line_merge, unary_union
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from app.district.blocks import Cut, lines_of

GRID_M = 0.5  # snap rounding: ends that lie on another street within this meet it
SPEED_KMH = {"trunk": 60, "primary": 50, "secondary": 40, "residential": 30, "lane": 15}
WEIGHT = {"trunk": 0, "primary": 1, "secondary": 2, "residential": 3, "lane": 4}


@dataclass(frozen=True)
class Edge:
    """A stretch of street between two junctions; `line` runs from `start` to `end`."""

    start: int
    end: int
    line: LineString
    street_class: str
    cut: int
    name: str = ""

    @property
    def length_m(self) -> float:
        """Metres along the street."""
        return float(self.line.length)


@dataclass(frozen=True)
class Streets:
    """Junctions by number, edges between them, one connected piece."""

    nodes: list[Point]
    edges: list[Edge]

    def renamed(self, names: dict[int, str]) -> Streets:
        """The same streets with a name for each cut."""
        return replace(self, edges=[replace(edge, name=names[edge.cut]) for edge in self.edges])


def make_streets(cuts: list[Cut]) -> Streets:
    """Node the cuts and keep the largest connected piece.

    Cuts end on other cuts only up to rounding, so they are noded on a half-metre grid.
    """
    noded = unary_union([cut.line for cut in cuts], grid_size=GRID_M)
    pieces = sorted(_unsmoothed(noded), key=lambda line: line.coords[0] + line.coords[-1])
    nodes: dict[tuple[float, ...], int] = {}
    tree = STRtree([cut.line for cut in cuts])
    edges = []
    for piece in pieces:
        middle = piece.interpolate(0.5, normalized=True)
        cut = int(tree.nearest(middle))
        ends = [nodes.setdefault(piece.coords[at], len(nodes)) for at in (0, -1)]
        edges.append(Edge(ends[0], ends[1], piece, cuts[cut].street_class, cut))
    return _largest(Streets([Point(at) for at in nodes], _simple(edges)))


def _unsmoothed(noded: BaseGeometry) -> Iterator[LineString]:
    """Merge vertices of degree two away: what is left meets only at junctions and dead ends."""
    yield from lines_of(line_merge(noded))


def _simple(edges: list[Edge]) -> list[Edge]:
    """Without loops and without the longer of two parallel edges: neither helps a route, both trouble a tracer."""
    best: dict[tuple[int, int], Edge] = {}
    for edge in edges:
        key = (min(edge.start, edge.end), max(edge.start, edge.end))
        if edge.start != edge.end and (key not in best or edge.line.length < best[key].line.length):
            best[key] = edge
    return list(best.values())


def _largest(streets: Streets) -> Streets:
    count = len(streets.nodes)
    ends = np.array([(edge.start, edge.end) for edge in streets.edges])
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, piece = connected_components(graph, directed=False)
    kept = np.flatnonzero(piece == np.bincount(piece).argmax())
    number = {int(old): new for new, old in enumerate(kept)}
    edges = [
        replace(edge, start=number[edge.start], end=number[edge.end]) for edge in streets.edges if edge.start in number
    ]
    return Streets([streets.nodes[old] for old in kept], edges)


def neighbours(streets: Streets) -> dict[int, list[int]]:
    """Edge numbers at each node."""
    at: dict[int, list[int]] = defaultdict(list)
    for number, edge in enumerate(streets.edges):
        at[edge.start].append(number)
        at[edge.end].append(number)
    return at


def coordinates(streets: Streets) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(n, 2) metres of the junctions."""
    return np.asarray(get_coordinates(streets.nodes))
