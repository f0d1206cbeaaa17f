"""Trees along streets: the shape of a radial feeder or a distribution main."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from shapely.geometry import LineString

from app.district.streets import Streets

Ints = npt.NDArray[np.int64]
NOWHERE = -9999  # scipy's mark for "no predecessor"


@dataclass(frozen=True)
class Roads:
    """The street graph as a matrix, with the edge number of each pair of neighbours."""

    streets: Streets
    matrix: csr_array
    edge_of: dict[tuple[int, int], int]

    def stretch(self, a: int, b: int) -> LineString:
        """The street from junction a to its neighbour b."""
        edge = self.streets.edges[self.edge_of[a, b]]
        return edge.line if edge.start == a else edge.line.reverse()

    def route(self, nodes: list[int]) -> LineString:
        """One line through neighbouring junctions."""
        points = [at for a, b in pairwise(nodes) for at in self.stretch(a, b).coords[:-1]]
        return LineString([*points, self.streets.nodes[nodes[-1]].coords[0]])


def make_roads(streets: Streets) -> Roads:
    """Index a street graph."""
    a = np.array([edge.start for edge in streets.edges])
    b = np.array([edge.end for edge in streets.edges])
    metres = np.array([edge.length_m for edge in streets.edges])
    count = len(streets.nodes)
    matrix = coo_array((np.r_[metres, metres], (np.r_[a, b], np.r_[b, a])), shape=(count, count)).tocsr()
    edge_of = {pair: n for n, e in enumerate(streets.edges) for pair in ((e.start, e.end), (e.end, e.start))}
    return Roads(streets, matrix, edge_of)


@dataclass(frozen=True)
class Section:
    """A run of street between two kept junctions of a tree, from the source outwards."""

    up: int
    down: int
    line: LineString


def steiner(roads: Roads, terminals: list[int]) -> list[tuple[int, int]]:
    """Street stretches that join the terminals, near the shortest such tree (Mehlhorn 1988: within twice).

    One multi-source Dijkstra gives every junction its nearest terminal; a spanning tree over the terminals is
    read from the stretches where two territories meet.
    """
    targets = sorted(set(terminals))
    metres, before, owner = dijkstra(roads.matrix, indices=targets, min_only=True, return_predecessors=True)
    pairs = roads.matrix.tocoo()
    a, b = pairs.coords
    border = owner[a] != owner[b]
    a, b, length = a[border], b[border], (metres[a] + metres[b] + roads.matrix.tocoo().data)[border]
    order = np.argsort(length, kind="stable")
    place = {terminal: n for n, terminal in enumerate(targets)}
    best: dict[tuple[int, int], int] = {}
    for k in order:
        key = (place[int(owner[a[k]])], place[int(owner[b[k]])])
        if key[0] < key[1]:
            best.setdefault(key, int(k))
    stretches: set[tuple[int, int]] = set()
    for key in _spanning(best, length, len(targets)):
        u, v = int(a[best[key]]), int(b[best[key]])
        stretches.add((min(u, v), max(u, v)))
        for end in (u, v):
            stretches |= _back(before, end)
    return sorted(stretches)


def _spanning(best: dict[tuple[int, int], int], length: npt.NDArray[np.float64], count: int) -> list[tuple[int, int]]:
    keys = list(best)
    weights = [float(length[best[key]]) for key in keys]
    graph = coo_array((weights, ([k[0] for k in keys], [k[1] for k in keys])), shape=(count, count))
    tree = minimum_spanning_tree(graph.tocsr()).tocoo()
    return [(int(i), int(j)) for i, j in zip(*tree.coords, strict=True)]


def _back(before: npt.NDArray[np.int32], end: int) -> set[tuple[int, int]]:
    """The stretches from a junction back to its terminal."""
    stretches = set()
    while (previous := int(before[end])) != NOWHERE:
        stretches.add((min(previous, end), max(previous, end)))
        end = previous
    return stretches


def sections(roads: Roads, stretches: list[tuple[int, int]], root: int, keep: set[int]) -> list[Section]:
    """The tree from `root` outwards, cut only at junctions that branch or are in `keep`; dead stubs dropped."""
    order, parent = _outwards(stretches, root)
    children = _living(order, parent, keep)
    found, pending = [], deque([root])
    while pending:
        top = pending.popleft()
        for child in children[top]:
            path = [top, child]
            while path[-1] not in keep and len(children[path[-1]]) == 1:
                path.append(children[path[-1]][0])
            found.append(Section(top, path[-1], roads.route(path)))
            pending.append(path[-1])
    return found


def _outwards(stretches: list[tuple[int, int]], root: int) -> tuple[list[int], dict[int, int]]:
    """Junctions in the order a walk from the root meets them, and the one before each."""
    beside: dict[int, list[int]] = defaultdict(list)
    for a, b in stretches:
        beside[a].append(b)
        beside[b].append(a)
    order, parent = [root], {root: root}
    for node in order:
        for other in sorted(beside[node]):
            if other not in parent:
                parent[other] = node
                order.append(other)
    return order, parent


def _living(order: list[int], parent: dict[int, int], keep: set[int]) -> dict[int, list[int]]:
    """Children of each junction, without branches that lead to nothing kept."""
    alive = set(keep)
    children: dict[int, list[int]] = defaultdict(list)
    for node in reversed(order):
        if node in alive and parent[node] != node:
            alive.add(parent[node])
            children[parent[node]].append(node)
    return children


def spread(points: npt.NDArray[np.float64], count: int, rounds: int = 12) -> Ints:
    """Group points into `count` clusters of near neighbours (Lloyd's rounds from evenly taken starts); labels."""
    order = np.lexsort((points[:, 1], points[:, 0]))
    centres = points[order[np.linspace(0, len(points) - 1, count).astype(int)]]
    labels: Ints = np.zeros(len(points), dtype=np.int64)
    for _ in range(rounds):
        labels = np.argmin(((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2), axis=1)
        for n in range(count):
            if np.any(labels == n):
                centres[n] = points[labels == n].mean(axis=0)
    return labels
