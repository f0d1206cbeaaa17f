"""Cut a street map into ever smaller pieces: the order in which a hierarchy contracts its junctions. Pure.

Nested dissection: a straight cut with few streets across it, the fewest junctions that touch all of those (König's
theorem on the two banks of the cut), then both sides alone. A river or a railway is found because so few streets cross
it. Only which junctions touch matters, neither speeds nor one-way streets: an order outlives every closure.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_bipartite_matching

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SMALLEST = 40  # junctions; a piece this small is contracted as it is
LEAST_SHARE = 0.3  # of the junctions on the smaller side of a cut
_ANGLES = np.linspace(0.0, np.pi, 8, endpoint=False)
DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


@dataclass(frozen=True)
class Order:
    """Junctions in the order of contraction, cut into pieces; a piece comes after all that it separates.

    `junction[i]` is contracted i-th; piece p holds those from `first[p]` to `first[p + 1]`; `parent[p]` is the piece
    that cut p off from the rest, -1 for the last.
    """

    junction: Ints
    first: Ints
    parent: Ints

    def to_bytes(self) -> bytes:
        """A form to keep beside the hash of the map's shape."""
        out = BytesIO()
        np.savez_compressed(out, junction=self.junction, first=self.first, parent=self.parent)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, kept: bytes) -> Order:
        """What `to_bytes` made."""
        with np.load(BytesIO(kept), allow_pickle=False) as arrays:
            return cls(arrays["junction"], arrays["first"], arrays["parent"])


def dissect(places: Floats, start: Ints, end: Ints) -> Order:
    """The order for junctions at `places` (n × 2 metres) that the pairs `start`–`end` connect, loops left out."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    pairs = np.unique(np.stack((low, high), axis=1)[low != high], axis=0)
    cutter = _Cutter(places)
    cutter.cut(np.arange(len(places)), pairs[:, 0], pairs[:, 1])
    first = np.cumsum([0, *map(len, cutter.pieces)])
    return Order(np.concatenate(cutter.pieces), first, np.array(cutter.parent))


class _Cutter:
    def __init__(self, places: Floats) -> None:
        self.places = places
        self.pieces: list[Ints] = []
        self.parent: list[int] = []

    def cut(self, nodes: Ints, start: Ints, end: Ints) -> int:
        """Append the pieces of this part, the one that separates the others last; answers its number."""
        if len(nodes) <= SMALLEST:
            return self._piece(nodes, [])
        side = _side(self.places[nodes], start, end)
        where = side.astype(np.int8)
        where[_separator(side, start, end)] = 2
        parts = []
        for bank in (0, 1):
            inside = np.flatnonzero(where == bank)
            local = np.full(len(nodes), -1)
            local[inside] = np.arange(len(inside))
            kept = (where[start] == bank) & (where[end] == bank)
            if len(inside):
                parts.append(self.cut(nodes[inside], local[start[kept]], local[end[kept]]))
        return self._piece(nodes[where == 2], parts)

    def _piece(self, nodes: Ints, parts: list[int]) -> int:
        own = len(self.pieces)
        self.pieces.append(nodes)
        self.parent.append(-1)
        for part in parts:
            self.parent[part] = own
        return own


def _side(places: Floats, start: Ints, end: Ints) -> Bools:
    """Which side of the best straight cut each junction lies on: few streets across it, neither side small."""
    count = len(places)
    lowest = int(count * LEAST_SHARE)
    at = np.arange(lowest, max(int(count * (1 - LEAST_SHARE)), lowest + 1))
    even = np.sqrt(np.minimum(at + 1, count - at - 1) / count)
    best, side = np.inf, np.zeros(count, dtype=np.bool_)
    for distances in (places @ DIRECTIONS).T:
        rank = np.empty(count, dtype=np.int64)
        rank[np.argsort(distances, kind="stable")] = np.arange(count)
        low, high = np.minimum(rank[start], rank[end]), np.maximum(rank[start], rank[end])
        across = np.cumsum(np.bincount(low, minlength=count) - np.bincount(high, minlength=count))
        scores = (across[at] + 0.1) / even
        here = int(np.argmin(scores))
        if scores[here] < best:
            best, side = float(scores[here]), rank <= at[here]
    return side


def _separator(side: Bools, start: Ints, end: Ints) -> Ints:
    """The fewest junctions that touch every street across the cut: a least vertex cover, from a largest matching."""
    across = side[start] != side[end]
    if not across.any():
        return np.empty(0, dtype=np.int64)
    near, at_near = np.unique(np.where(side[start], start, end)[across], return_inverse=True)
    far, at_far = np.unique(np.where(side[start], end, start)[across], return_inverse=True)
    size = len(near), len(far)
    bank = csr_array((np.ones(len(at_near), dtype=np.int8), (at_near, at_far)), shape=size)
    partner = maximum_bipartite_matching(bank, perm_type="column")
    reached = _alternating(at_near, at_far, partner, size)
    return np.concatenate((near[~reached[: size[0]]], far[reached[size[0] :]]))


def _alternating(near: Ints, far: Ints, partner: NDArray[np.signedinteger], size: tuple[int, int]) -> Bools:
    """What an alternating walk reaches from the unmatched of the near bank, both banks in one array."""
    count = sum(size) + 1  # one more: where the walk begins, before all unmatched
    matched = np.flatnonzero(partner >= 0)
    begin = np.flatnonzero(partner < 0)
    tails = np.concatenate((near, partner[matched] + size[0], np.full(len(begin), count - 1)))
    heads = np.concatenate((far + size[0], matched, begin))
    walk = csr_array((np.ones(len(tails), dtype=np.int8), (tails, heads)), shape=(count, count))
    reached = np.zeros(count, dtype=np.bool_)
    reached[breadth_first_order(walk, count - 1, return_predecessors=False)] = True
    return reached[:-1]


def pieces_of(order: Order) -> list[tuple[int, int]]:
    """First and behind-last position of each piece."""
    return list(pairwise(order.first.tolist()))
