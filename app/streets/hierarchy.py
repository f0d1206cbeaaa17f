"""A customisable contraction hierarchy over whole pieces of the map, in numpy: matrices of many points at once. Pure.

Pieces of a nested dissection are contracted one after another (the multifrontal method of sparse elimination, with
minimum for plus and plus for times): each keeps what the way costs between its junctions and those around it when
only it and what it separates is passed. A point then has a label: the cost to each junction of the pieces above it.
The fastest way between two points passes a piece above both, so a matrix is a minimum over their labels. Costs are
exact sums of whole numbers, so the answer is the one of Dijkstra's search, to the last digit.

Source: Dibbelt, Strasser, Wagner, Customizable Contraction Hierarchies, 2016 (order, customising, label along the
elimination tree); George, Nested dissection of a regular finite element mesh, 1973.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.streets.dissection import Bools, Floats, Ints, Order, pieces_of

AT_ONCE = 60_000  # numbers; a product this small is made in one go, a larger one row by row in the cache


@dataclass(frozen=True)
class Doors:
    """How points meet the junctions: two each, with what the way between costs (inf where there is none).

    The two of a point are the ends of its street. `junction` (n × 2) and `cost` (n × 2).
    """

    junction: Ints
    cost: Floats


@dataclass(frozen=True)
class _Piece:
    """A piece and its surroundings: `size` own junctions, then those around it (`around`, by rank)."""

    first: int
    size: int
    around: Ints
    parts: list[int]
    in_parent: Ints  # places of `around` among the parent's junctions
    arcs: Ints
    tails: Ints
    heads: Ints

    def places(self, ranks: Ints) -> Ints:
        """Where junctions stand among the piece's own and those around it."""
        own = ranks < self.first + self.size
        return np.where(own, ranks - self.first, self.size + np.searchsorted(self.around, ranks))


class Shape:
    """The map's shape contracted in its order: which junctions lie around which piece. Holds for every metric."""

    def __init__(self, order: Order, tail: Ints, head: Ints) -> None:
        self.order = order
        self.rank = np.empty(len(order.junction), dtype=np.int64)
        self.rank[order.junction] = np.arange(len(order.junction))
        self.piece_of = np.repeat(np.arange(len(order.parent)), np.diff(order.first))
        self.pieces = self._contracted(tail, head)

    def _contracted(self, tail: Ints, head: Ints) -> list[_Piece]:
        tails, heads = self.rank[tail], self.rank[head]
        owner = np.where(tails == heads, -1, self.piece_of[np.minimum(tails, heads)])
        arcs = np.argsort(owner, kind="stable")
        cuts = np.searchsorted(owner[arcs], np.arange(len(self.order.parent) + 1))
        pieces: list[_Piece] = []
        parts: list[list[int]] = [[] for _ in self.order.parent]
        for own, (first, end) in enumerate(pieces_of(self.order)):
            mine = arcs[cuts[own] : cuts[own + 1]]
            meets = np.concatenate((tails[mine], heads[mine], *(pieces[part].around for part in parts[own])))
            around = np.unique(meets[meets >= end])
            none = np.empty(0, dtype=np.int64)
            piece = _Piece(first, end - first, around, parts[own], none, mine, none, none)
            for part in parts[own]:
                pieces[part] = _with(pieces[part], in_parent=piece.places(pieces[part].around))
            pieces.append(_with(piece, tails=piece.places(tails[mine]), heads=piece.places(heads[mine])))
            if (parent := int(self.order.parent[own])) >= 0:
                parts[parent].append(own)
        return pieces


def _with(piece: _Piece, **changed: Ints) -> _Piece:
    return _Piece(**{**vars(piece), **changed})


@dataclass(frozen=True)
class _Labels:
    """Of points sorted by piece: for each piece above any of them, rows first to end and their costs (rows × size)."""

    order: Ints
    of: dict[int, tuple[int, int, Floats]]


class Hierarchy:
    """A shape with the costs of one metric. Immutable after construction, safe to share between threads."""

    def __init__(self, shape: Shape, cost: Floats) -> None:
        """`cost` of each arc, in the order that the shape was given; inf for one that may not be driven."""
        self.shape = shape
        self._inside: list[Floats] = []  # between a piece's own junctions
        self._out: list[Floats] = []  # from them to those around
        self._back: list[Floats] = []  # to them from those around, own junctions first all the same
        rest: dict[int, Floats] = {}
        for own, piece in enumerate(shape.pieces):
            front = _front(piece, cost, [(shape.pieces[part].in_parent, rest.pop(part)) for part in piece.parts])
            _eliminate(front, piece.size)
            self._inside.append(front[: piece.size, : piece.size].copy())
            self._out.append(front[: piece.size, piece.size :].copy())
            self._back.append(front[piece.size :, : piece.size].T.copy())
            rest[own] = front[piece.size :, piece.size :].copy()

    @property
    def nbytes(self) -> int:
        """What the costs hold in memory."""
        return sum(costs.nbytes for costs in (*self._inside, *self._out, *self._back))

    def matrix(self, sources: Doors, targets: Doors) -> Floats:
        """Cost from each source to each target along the streets; inf where there is no way."""
        out, back = self._labels(sources, self._out), self._labels(targets, self._back)
        cost = np.full((len(out.order), len(back.order)), np.inf)
        for piece, (first, end, from_sources) in out.of.items():
            if piece in back.of:
                left, right, to_targets = back.of[piece]
                passed = np.full(from_sources.shape, np.inf)
                _lower(passed, from_sources, self._inside[piece])
                _lower(cost[first:end, left:right], passed, np.ascontiguousarray(to_targets.T))
        unsorted = np.empty_like(cost)
        unsorted[np.ix_(out.order, back.order)] = cost
        return unsorted

    def _labels(self, doors: Doors, across: list[Floats]) -> _Labels:
        """Costs of points to where they first meet each piece above them."""
        shape = self.shape
        ranks = shape.rank[doors.junction]
        piece_of = shape.piece_of[ranks.min(axis=1)]
        order = np.argsort(piece_of, kind="stable")
        sorted_doors = Doors(ranks[order], doors.cost[order])
        begins = np.searchsorted(piece_of[order], np.arange(len(shape.pieces) + 1))
        above = _above(piece_of, shape.order.parent)
        labels: dict[int, tuple[int, int, Floats]] = {}
        rest: dict[int, tuple[int, int, Floats]] = {}
        for own in np.flatnonzero(above).tolist():
            piece = shape.pieces[own]
            parts = [(*rest.pop(part), shape.pieces[part].in_parent) for part in piece.parts if above[part]]
            first, end = int(begins[own]), int(begins[own + 1])
            begin = min([first, *(part[0] for part in parts)])
            met = np.full((end - begin, piece.size + len(piece.around)), np.inf)
            for left, right, part_rest, places in parts:
                met[left - begin : right - begin, places] = part_rest
            _enter(met[first - begin :], piece, sorted_doors, slice(first, end))
            labels[own] = (begin, end, met[:, : piece.size].copy())
            _lower(met[:, piece.size :], labels[own][2], across[own])
            rest[own] = (begin, end, met[:, piece.size :])
        return _Labels(order, labels)


def _front(piece: _Piece, cost: Floats, rests: list[tuple[Ints, Floats]]) -> Floats:
    """What is known of the way between a piece's junctions before it is contracted: its arcs, and its parts' rest."""
    size = piece.size + len(piece.around)
    front = np.full((size, size), np.inf)
    np.fill_diagonal(front, 0.0)
    np.minimum.at(front.ravel(), piece.tails * size + piece.heads, cost[piece.arcs])  # of parallel streets the fastest
    for places, rest in rests:
        at = np.ix_(places, places)
        front[at] = np.minimum(front[at], rest)
    return front


def _eliminate(front: Floats, count: int) -> None:
    """Let every way pass the first `count` junctions (Floyd and Warshall)."""
    passing = np.empty_like(front)
    for k in range(count):
        np.add(front[:, k, np.newaxis], front[k], out=passing)
        np.minimum(front, passing, out=front)


def _above(piece_of: Ints, parent: Ints) -> Bools:
    """Which pieces lie above any of these, themselves included."""
    found = np.zeros(len(parent), dtype=np.bool_)
    fresh = np.unique(piece_of)
    while len(fresh):
        found[fresh] = True
        fresh = np.unique(parent[fresh])
        fresh = fresh[(fresh >= 0) & ~found[fresh]]
    return found


def _enter(met: Floats, piece: _Piece, doors: Doors, mine: slice) -> None:
    """Where points meet the streets in this piece or around it: their doors."""
    places = piece.places(doors.junction[mine])
    rows = np.arange(len(places))
    for side in (0, 1):
        met[rows, places[:, side]] = np.minimum(met[rows, places[:, side]], doors.cost[mine, side])


def _lower(costs: Floats, left: Floats, right: Floats) -> None:
    """`costs` (n × m) = least of it and of left (n × k) + right (k × m) over all k, in place."""
    if not left.size:
        return
    if costs.size * left.shape[1] <= AT_ONCE:
        np.minimum(costs, (left[:, :, np.newaxis] + right).min(axis=1), out=costs)
        return
    least, passing = costs.copy(), np.empty_like(costs)
    for k in range(left.shape[1]):
        np.add(left[:, k, np.newaxis], right[k], out=passing)
        np.minimum(least, passing, out=least)
    costs[:] = least
